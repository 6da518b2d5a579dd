package prune

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// resolution is that of a float32, in which networks compute: relative changes that differ by less are rounding.
const resolution = 1. / (1 << 23)

// chance is the probability from which on differences between operations are taken for noise.
const chance = .05

// Indistinct says that a ranker does not tell the operations of a round apart. What such a round would remove
// follows from the rule for ties, or from chance.
type Indistinct struct {
	Ranker int     // its number
	Spread float64 // the largest difference between two scores of an edge
	Noise  bool    // the scores differ, but no more than from repeat to repeat
	// Probability, of noise, is that of differences as large without any effect of an operation.
	Probability float64
	Repeats     int
}

// Error says what is wrong with the scores.
func (e *Indistinct) Error() string {
	if e.Noise {
		return fmt.Sprintf("the scores of operations differ no more than from one initialisation to the next (%d "+
			"initialisations, probability %.2g): the ranking would be chance", e.Repeats, e.Probability)
	}
	return fmt.Sprintf("the scores of operations differ by %.2g at most, which is rounding: the ranking would "+
		"follow from the rule for ties", e.Spread)
}

// distinguish returns an *Indistinct for the first ranker that tells the operations of no edge apart, unless the
// settings allow it.
func (c Config) distinguish(norms []Norms, groups []group) error {
	if c.AllowTies {
		return nil
	}
	for r := range c.rankers() {
		repeats := make([]*Scores, len(norms))
		for i, all := range norms {
			var err error
			if repeats[i], err = changesOf(all.ofRanker(r, groups), groups); err != nil {
				return err
			}
		}
		if s := meanScores(repeats).spread(); s <= resolution {
			return &Indistinct{Ranker: r, Spread: s, Repeats: len(norms)}
		}
		if p := probability(repeats, groups); p > chance && !c.AllowNoise {
			return &Indistinct{Ranker: r, Noise: true, Probability: p, Repeats: len(norms)}
		}
	}
	return nil
}

// spread is the largest difference between two scores of an edge.
func (s *Scores) spread() (most float64) {
	for t := range s {
		for e := range s[t] {
			if x := slices.DeleteFunc(slices.Clone(s[t][e][:]), math.IsNaN); len(x) > 0 {
				most = max(most, slices.Max(x)-slices.Min(x))
			}
		}
	}
	return most
}

// probability is that of differences as large as those between the operations of an edge if no operation had an
// effect: the F-test of a two-way analysis of variance with a repeat as a block, whose operations see the same
// weights and images, over all edges. A single repeat says nothing, and gives 0.
func probability(repeats []*Scores, groups []group) float64 {
	var between, within, free, members float64
	for _, g := range groups {
		members += float64(len(g))
	}
	n := float64(len(repeats))
	for t := range repeats[0] {
		for e := range repeats[0][t] {
			x := table(repeats, t, e)
			if len(x[0]) < 2 {
				continue
			}
			b, w := variation(x)
			between, within, free = between+b, within+w, free+float64(len(x[0])-1)
		}
	}
	free *= float64(len(groups)) / members // a pool gives its edges one score, which counts once
	if n < 2 || within == 0 || free == 0 {
		return 0
	}
	return distuv.F{D1: free, D2: free * (n - 1)}.Survival(between / within * (n - 1))
}

// table is what the repeats say of the operations of an edge, repeat by repeat.
func table(repeats []*Scores, cell, edge int) (x [][]float64) {
	for _, s := range repeats {
		x = append(x, slices.DeleteFunc(slices.Clone(s[cell][edge][:]), math.IsNaN))
	}
	return x
}

// variation divides the squares of a table, less the means of its rows, into those between the columns and the
// rest.
func variation(x [][]float64) (between, rest float64) {
	columns := make([]float64, len(x[0]))
	for _, row := range x {
		mean := stat.Mean(row, nil)
		for i := range row {
			row[i] -= mean
			columns[i] += row[i] / float64(len(x))
		}
	}
	for _, row := range x {
		for i, v := range row {
			between += columns[i] * columns[i]
			rest += (v - columns[i]) * (v - columns[i])
		}
	}
	return between, rest
}
