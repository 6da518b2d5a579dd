package prune

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"zos-ort/models/space"
)

// leastRepeats are made before a round can be settled: a standard error of fewer says little.
const leastRepeats = 4

// scoresOf are the scores of every repeat: for every operation of the group g the weighted sum over rankers of
// (r(N) - r(N without g)) / |r(N)|, or of the place that this gives it on its edge.
func (c Config) scoresOf(norms []Norms, groups []group) ([]*Scores, error) {
	list := make([]*Scores, len(norms))
	for repeat, all := range norms {
		list[repeat] = NewScores()
		for r := range c.rankers() {
			changes, err := changesOf(all.ofRanker(r, groups), groups)
			if err != nil {
				return nil, err
			}
			if c.ByRank {
				changes.rank()
			}
			weight := 1.
			if len(c.Weights) > 0 {
				weight = c.Weights[r]
			}
			list[repeat].add(changes, weight)
		}
	}
	return list, nil
}

// changesOf are the relative changes of one ranker, whose norm of the full network comes last.
func changesOf(norms Norms, groups []group) (*Scores, error) {
	s, full := NewScores(), norms.Full()
	if full == 0 {
		return nil, fmt.Errorf("the norm of the full network is zero")
	}
	for i, g := range groups {
		for _, c := range g {
			*s.Of(c) = (full - norms[i]) / math.Abs(full)
		}
	}
	return s, nil
}

// add adds weighted scores to scores that are NaN where nothing has been added yet.
func (s *Scores) add(x *Scores, weight float64) {
	for t := range s {
		for e := range s[t] {
			for p, v := range x[t][e] {
				if math.IsNaN(s[t][e][p]) {
					s[t][e][p] = weight * v
				} else {
					s[t][e][p] += weight * v
				}
			}
		}
	}
}

// rank replaces scores by their places in their set, from 0; equal ones share the mean of theirs.
func (s *Scores) rank() {
	for t := range s {
		for e := range s[t] {
			was := s[t][e]
			for p, x := range was {
				if math.IsNaN(x) {
					continue
				}
				place := 0.
				for q, y := range was {
					switch {
					case q == p || math.IsNaN(y):
					case y < x:
						place++
					case y == x:
						place += .5
					}
				}
				s[t][e][p] = place
			}
		}
	}
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
// by seed, since both networks of a repeat have the same weights and images. It is NaN where nothing could have gone instead.
func (c Config) certainty(repeats []*Scores, mean *Scores, left space.Mask, removed []space.Candidate) []float64 {
	list := make([]float64, len(removed))
	differences := make([]float64, len(repeats))
	for i, gone := range removed {
		next, rivals := gone, c.rivals(left, gone)
		if list[i] = math.NaN(); len(rivals) == 0 {
			continue
		}
		next.Op = c.lowest(rivals, &mean[gone.Cell][gone.Edge])
		for r, s := range repeats {
			differences[r] = *s.Of(next) - *s.Of(gone)
		}
		list[i] = standardErrors(differences)
	}
	return list
}

// rivals are the operations of an edge that stay and could have gone instead of one that has: not those that are to stay, or
// that the limits need.
func (c Config) rivals(left space.Mask, gone space.Candidate) []space.Primitive {
	if c.Keep.Empty() && len(c.Limits) == 0 {
		return left.Primitives(gone.Cell, gone.Edge)
	}
	left.Put(gone.Cell, gone.Edge, left.At(gone.Cell, gone.Edge).With(gone.Op))
	return slices.DeleteFunc(c.droppable(left, gone.Cell, gone.Edge), func(p space.Primitive) bool { return p == gone.Op })
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
	scores, err := c.scoresOf(norms, groups)
	if err != nil {
		return false, err
	}
	mean := meanScores(scores)
	left, removed := c.drop(mask, mean)
	for _, z := range c.certainty(scores, mean, left, removed) {
		if z < c.Settle { // not NaN, of an operation without rivals
			return false, nil
		}
	}
	return true, nil
}
