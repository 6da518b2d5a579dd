package space

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestRandomGenotypeIsAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := drawRand(t)
		m := drawMask(t, rng)
		g, err := RandomGenotype(rng, m)
		if err != nil || !g.Allowed(m) {
			t.Fatalf("%v, %v", g, err)
		}
	})
	_, err := RandomGenotype(newRand(1), Mask{})
	wantError(t, err, "2 edges with an operation other than none", "has 0", "normal/node0")
}

// Node 1 of the mask has 2*3 + 2*1 + 3*1 = 11 combinations; each must come as often as the others.
func TestRandomGenotypeIsUniform(t *testing.T) {
	m := DARTS.FullMask()
	m.Put(Normal, 2, SetOf(None, MaxPool3x3, SkipConnect))
	m.Put(Normal, 3, SetOf(SepConv3x3, SepConv5x5, DilConv5x5))
	m.Put(Normal, 4, SetOf(None, AvgPool3x3))
	const draws = 11000
	rng, seen := newRand(5), map[[2]Gene]int{}
	for range draws {
		g := must(RandomGenotype(rng, m))(t)
		seen[[2]Gene(g.Normal[2:4])]++
	}
	if len(seen) != 11 {
		t.Errorf("%d combinations of 11", len(seen))
	}
	wantUniform(t, seen, draws)
}

// With the full mask the pairs of node 3 are uniform over 10, the operations over 7.
func TestRandomGenotypeOfTheFullSpace(t *testing.T) {
	const draws = 7000
	rng, pairs, ops := newRand(6), map[[2]int]int{}, map[Primitive]int{}
	for range draws {
		g := must(RandomGenotype(rng, DARTS.FullMask()))(t)
		pairs[[2]int{g.Reduce[6].Source, g.Reduce[7].Source}]++
		ops[g.Reduce[7].Op]++
	}
	if len(pairs) != 10 || len(ops) != 7 {
		t.Errorf("%d pairs of 10, %d operations of 7", len(pairs), len(ops))
	}
	wantUniform(t, pairs, draws)
	wantUniform(t, ops, draws)
}

// wantUniform is a chi-square test: mean k-1, deviation sqrt(2(k-1)); the seed is fixed, so it
// passes or fails for good.
func wantUniform[K comparable](t *testing.T, seen map[K]int, draws int) {
	t.Helper()
	expected := float64(draws) / float64(len(seen))
	chi := 0.0
	for _, n := range seen {
		chi += math.Pow(float64(n)-expected, 2) / expected
	}
	freedom := float64(len(seen) - 1)
	if chi > freedom+3*math.Sqrt(2*freedom) {
		t.Errorf("chi-square %v with %v degrees of freedom: %v", chi, freedom, seen)
	}
}
