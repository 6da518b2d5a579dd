package figure1

import (
	"math"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
)

// Architectures from shared masks lie in them; the same seed draws the same ones.
func TestDrawGroups(t *testing.T) {
	s := &Settings{Samples: 300, Xi: .5, Seed: 7, Masks: 4}
	groups := check.Must(s.draw())(t)
	if len(groups[0].masks) != 0 || len(groups[1].masks) != 4 || groups[1].masks[0] == groups[1].masks[1] {
		t.Fatalf("masks: %d without, %d with", len(groups[0].masks), len(groups[1].masks))
	}
	for i, g := range groups[1].archs {
		if !g.Allowed(groups[1].masks[i%4]) {
			t.Fatalf("architecture %d is not inside of its mask", i)
		}
	}
	again := check.Must(s.draw())(t)
	if !slices.Equal(again[0].archs, groups[0].archs) || !slices.Equal(again[1].archs, groups[1].archs) {
		t.Error("the same seed draws other architectures")
	}
	if slices.Equal(groups[0].archs, groups[1].archs) {
		t.Error("both groups are the same")
	}
}

// Fresh Bernoulli masks do not prefer any operation or any pair of edges, so every category is as
// frequent with them as without. Frequencies of 20,000 draws vary by .0035; six of that is beyond chance.
func TestFreshMasksKeepTheDistribution(t *testing.T) {
	groups := check.Must((&Settings{Samples: 20000, Xi: .5, Seed: 1}).draw())(t)
	var count [2][space.NB301Len][11]float64
	for i, g := range groups {
		for _, arch := range g.archs {
			for j, code := range check.Must(arch.NB301())(t) {
				count[i][j][code] += 1. / 20000
			}
		}
	}
	for j := range count[0] {
		check.Close(t, "frequencies", count[1][j][:], count[0][j][:], 6*math.Sqrt(2*.25/20000), 0)
	}
}
