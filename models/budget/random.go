package budget

import (
	"fmt"
	"math/rand/v2"

	"zos-ort/models/space"
)

// draws are the random genotypes that may break the limits before one is made to meet them.
const draws = 10000

// Random draws a genotype of a mask that meets the limits: of all of them with equal probability, unless 10,000 draws in
// a row break a limit. Then it is the best one by random weights.
func (ls Limits) Random(rng *rand.Rand, m space.Mask) (space.Genotype, error) {
	if err := ls.Check(m); err != nil {
		return space.Genotype{}, err
	}
	for range draws {
		if g, err := space.RandomGenotype(rng, m); err != nil || ls.Met(g) {
			return g, err
		}
	}
	return ls.Derive(randomScores(rng), m)
}

func randomScores(rng *rand.Rand) *space.Scores {
	s := new(space.Scores)
	for t := range s {
		for e := range s[t] {
			for p := range s[t][e] {
				s[t][e][p] = rng.Float64()
			}
		}
	}
	return s
}

// RandomMask draws masks until one holds a genotype that meets the limits.
func (ls Limits) RandomMask(draw func() (space.Mask, []space.Repair)) (space.Mask, []space.Repair, error) {
	for range draws {
		if m, repairs := draw(); ls.Admits(m) {
			return m, repairs, nil
		}
	}
	return space.Mask{}, nil, fmt.Errorf("none of %d random masks holds a network that has %v: raise the limit or --xi", draws, ls)
}
