package prune

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"zos-ort/models/space"
)

// leastRepeats are made before a round can be settled: a standard error of fewer says little.
const leastRepeats = 4

// scoresOf are the scores of every repeat: (r(N) - r(N without g)) / r(N) for every operation of the
// group g.
func scoresOf(norms []Norms, groups []group) ([]*Scores, error) {
	list := make([]*Scores, len(norms))
	for r, repeat := range norms {
		list[r] = NewScores()
		full := repeat.Full()
		if full == 0 {
			return nil, fmt.Errorf("the kernel norm of the full network is zero")
		}
		for i, g := range groups {
			for _, c := range g {
				*list[r].Of(c) = (full - repeat[i]) / full
			}
		}
	}
	return list, nil
}

// meanScores averages over the repeats.
func meanScores(list []*Scores) *Scores {
	mean := NewScores()
	n := float64(len(list))
	for r, s := range list {
		for t := range s {
			for e := range s[t] {
				for p, x := range s[t][e] {
					if r == 0 {
						mean[t][e][p] = 0
					}
					mean[t][e][p] += x / n
				}
			}
		}
	}
	return mean
}

// certainty compares every removed operation with the lowest-scoring one that stays on its edge, seed
// by seed, since both networks of a repeat have the same weights and images.
func (c Config) certainty(repeats []*Scores, mean *Scores, left space.Mask, removed []space.Candidate) []float64 {
	list := make([]float64, len(removed))
	differences := make([]float64, len(repeats))
	for i, gone := range removed {
		next := gone
		next.Op = c.lowest(left[gone.Cell][gone.Edge], mean[gone.Cell][gone.Edge])
		for r, s := range repeats {
			differences[r] = *s.Of(next) - *s.Of(gone)
		}
		list[i] = standardErrors(differences)
	}
	return list
}

// standardErrors is the mean of a sample in standard errors; NaN for a single number. Equal numbers
// have no error: a mean above zero is certain then.
func standardErrors(x []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	mean, deviation := stat.MeanStdDev(x, nil)
	if mean == 0 {
		return 0
	}
	return mean / (deviation / math.Sqrt(float64(len(x))))
}

// settled reports whether more repeats would hardly change what goes.
func (c Config) settled(mask space.Mask, groups []group, norms []Norms) (bool, error) {
	if c.Settle == 0 || len(norms) < leastRepeats {
		return false, nil
	}
	scores, err := scoresOf(norms, groups)
	if err != nil {
		return false, err
	}
	mean := meanScores(scores)
	left, removed := c.drop(mask, mean)
	for _, z := range c.certainty(scores, mean, left, removed) {
		if !(z >= c.Settle) {
			return false, nil
		}
	}
	return true, nil
}
