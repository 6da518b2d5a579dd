package report

import (
	"fmt"
	"math"
	"strings"

	"zos-ort/models/space"
)

// alphas are the mixing weights of every edge after every epoch: the softmax of its alphas.
type alphas struct {
	space  *space.Space
	Epochs []number          `json:"epochs"`
	Cells  map[string][]edge `json:"cells"`
}

// edge is an edge of a cell.
type edge struct {
	Edge   int      `json:"edge"`
	From   string   `json:"from"`
	To     string   `json:"to"`
	Chosen string   `json:"chosen,omitempty"` // its operation in the genotype
	Ops    []series `json:"ops"`
}

// stateName names what an edge reads or writes.
func stateName(s *space.Space, state int) string {
	if state < s.Inputs() {
		return fmt.Sprintf("input k−%d", s.Inputs()-state)
	}
	return fmt.Sprintf("node %d", state-s.Inputs())
}

// readAlphas reads alphas.csv; nil if the run has none.
func readAlphas(f *folder, g *space.Genotype) *alphas {
	t := f.csv("alphas.csv")
	if len(t.rows) == 0 {
		return nil
	}
	s := f.searched()
	a := &alphas{space: s, Cells: map[string][]edge{}}
	for _, x := range t.numbers("epoch") {
		a.Epochs = append(a.Epochs, x+1)
	}
	for _, cell := range s.CellTypes() {
		for e := range s.Edges() {
			at := s.EdgeAt(e)
			one := edge{Edge: e, From: stateName(s, at.Source), To: stateName(s, at.Node+s.Inputs()), Chosen: chosen(g, cell, e),
				Ops: mixingWeights(t, edgePrefix(cell, e))}
			a.Cells[cell.String()] = append(a.Cells[cell.String()], one)
		}
	}
	return a
}

// edgePrefix begins the names of the columns of an edge in alphas.csv.
func edgePrefix(cell space.CellType, e int) string {
	name := space.Candidate{Cell: cell, Edge: e}.String()
	return name[:strings.LastIndexByte(name, '/')+1]
}

// chosen is the operation of an edge in a genotype, if it has one.
func chosen(g *space.Genotype, cell space.CellType, e int) string {
	if g == nil {
		return ""
	}
	for i, gene := range g.Cell(cell) {
		if g.Space().EdgeIndex(g.Space().NodeOf(i), gene.Source) == e {
			return gene.Op.String()
		}
	}
	return ""
}

// mixingWeights takes the softmax over the operations of an edge in every row.
func mixingWeights(t table, prefix string) (ops []series) {
	for _, h := range t.header {
		if op, ok := strings.CutPrefix(h, prefix); ok {
			ops = append(ops, series{Label: op, Op: op, Values: t.numbers(h)})
		}
	}
	for row := range t.rows {
		sum, top := 0., math.Inf(-1)
		for _, s := range ops {
			top = math.Max(top, float64(s.Values[row]))
		}
		for _, s := range ops {
			s.Values[row] = number(math.Exp(float64(s.Values[row]) - top))
			sum += float64(s.Values[row])
		}
		for _, s := range ops {
			s.Values[row] /= number(sum)
		}
	}
	return ops
}

// shares are the mean mixing weights of the operations in a cell type: how much of a cell each makes up.
func (a *alphas) shares(cell space.CellType) (list []series) {
	for _, p := range a.space.Operations() {
		s := series{Label: p.String(), Op: p.String(), Values: make([]number, len(a.Epochs))}
		found := false
		for _, e := range a.Cells[cell.String()] {
			for _, op := range e.Ops {
				if op.Op != s.Op {
					continue
				}
				found = true
				for i, w := range op.Values {
					s.Values[i] += w / number(a.space.Edges()) * 100
				}
			}
		}
		if found {
			list = append(list, s)
		}
	}
	return list
}

// alphasSection draws the shares of the operations; the edges are drawn by the page itself.
func (r *run) alphasSection() {
	if r.Alphas == nil {
		return
	}
	var charts []chart
	for _, t := range r.Alphas.space.CellTypes() {
		charts = append(charts, chart{Title: "Share of each operation, " + cellName(t), Kind: stack, XLabel: "epoch",
			YLabel: "%", X: r.Alphas.Epochs, Series: r.Alphas.shares(t),
			Note: fmt.Sprintf("The mean mixing weight over the %d edges: from equal shares to what the search prefers.", r.Alphas.space.Edges())})
	}
	r.add(&r.Shares, "Operations over the epochs", "", charts...)
}

// cellName names a cell type for people.
func cellName(t space.CellType) string {
	if t == space.Reduce {
		return "reduction cell"
	}
	return "normal cell"
}
