package report

import (
	"fmt"
	"math"
	"strconv"

	"zos-ort/models/space"
)

// maskView is the mask of a cell type as a heat map: edges by operations.
type maskView struct {
	Title string
	Ops   []string
	Rows  []maskRow
}

// maskRow is an edge.
type maskRow struct {
	Edge  string
	Cells []maskCell
}

// maskCell is an operation of an edge. Score is the last one that it got.
type maskCell struct {
	Kept  bool
	Round int    // in which it was removed; 0: it was not, or nobody knows
	Score string // empty: not ranked
	Shade int    // from 0, the lowest score, to 9
	Text  string // for those who do not see colours
}

// ranked are the scores of scores.csv by operation.
type ranked struct {
	score         map[space.Candidate]float64
	round         map[space.Candidate]int
	norms, counts []number // by round
	low, high     float64
}

func readScores(f *folder) ranked {
	t := f.csv("scores.csv")
	r := ranked{score: map[space.Candidate]float64{}, round: map[space.Candidate]int{}, low: math.Inf(1), high: math.Inf(-1)}
	rounds, cells, edges := t.texts("round"), t.texts("cell"), t.texts("edge")
	ops, scores, removed, norms := t.texts("operation"), t.numbers("score"), t.texts("removed"), t.numbers("kernel_norm")
	if rounds == nil || cells == nil || edges == nil || ops == nil || scores == nil || removed == nil || norms == nil {
		if len(t.rows) > 0 {
			f.note("scores.csv has other columns than this version reads")
		}
		return r
	}
	s := f.searched()
	for i := range t.rows {
		op, err := s.Operation(ops[i])
		e, err2 := strconv.Atoi(edges[i])
		round, err3 := strconv.Atoi(rounds[i])
		if err != nil || err2 != nil || err3 != nil || round < 1 || !scores[i].known() {
			continue
		}
		c := space.Candidate{Edge: e, Op: op}
		if cells[i] == space.Reduce.String() {
			c.Cell = space.Reduce
		}
		score := float64(scores[i])
		r.score[c], r.low, r.high = score, math.Min(r.low, score), math.Max(r.high, score)
		for len(r.norms) < round {
			r.norms, r.counts = append(r.norms, norms[i]), append(r.counts, 0)
		}
		if removed[i] == "true" {
			r.round[c] = round
			r.counts[round-1]++
		}
	}
	return r
}

// shade grades a score by its place between the lowest and the highest one.
func (r ranked) shade(score float64) int {
	if r.high <= r.low {
		return 0
	}
	return min(9, int(10*(score-r.low)/(r.high-r.low)))
}

// masksOf are the heat maps of a run that pruned anything.
func masksOf(f *folder, mask *space.Mask, r ranked) (list []maskView) {
	if mask == nil || *mask == mask.Space().FullMask() && len(r.score) == 0 {
		return nil
	}
	s := mask.Space()
	for _, t := range s.CellTypes() {
		v := maskView{Title: cellName(t)}
		for _, p := range s.Operations() {
			v.Ops = append(v.Ops, p.String())
		}
		for e := range s.Edges() {
			at := s.EdgeAt(e)
			row := maskRow{Edge: fmt.Sprintf("%s → %s", stateName(s, at.Source), stateName(s, at.Node+s.Inputs()))}
			for _, p := range s.Operations() {
				row.Cells = append(row.Cells, r.cell(space.Candidate{Cell: t, Edge: e, Op: p}, mask.At(t, e).Has(p)))
			}
			v.Rows = append(v.Rows, row)
		}
		list = append(list, v)
	}
	return list
}

func (r ranked) cell(c space.Candidate, kept bool) maskCell {
	m := maskCell{Kept: kept, Round: r.round[c], Text: "kept"}
	switch {
	case !kept && m.Round > 0:
		m.Text = fmt.Sprintf("removed in round %d", m.Round)
	case !kept:
		m.Text = "removed"
	}
	if s, ok := r.score[c]; ok {
		m.Score, m.Shade = strconv.FormatFloat(s, 'g', 2, 64), r.shade(s)
		m.Text += ", score " + m.Score
	}
	return m
}

// roundsSection draws what happened in the rounds of the pruning.
func (r *run) roundsSection(x ranked) {
	n := counting(1, len(x.norms))
	if len(n) < 2 { // a fact says it
		return
	}
	r.add(&r.Sections, "Pruning round by round", "", chart{Title: "Kernel norm", Kind: lines, XLabel: "round", YLabel: "norm", X: n,
		Note:   "The norm of the network's kernel (or the first ranker's value) at the start of every round.",
		Series: []series{{Label: "norm", Values: x.norms}}},
		chart{Title: "Operations removed", Kind: bars, XLabel: "round", YLabel: "operations", X: n,
			Series: []series{{Label: "removed", Values: x.counts}}})
}
