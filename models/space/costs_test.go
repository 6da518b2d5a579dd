package space_test

import (
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/models/space/spacetest"
)

// spaces are those that come with the package, and random ones.
func spaces(t *testing.T, rng *rand.Rand) (list []*space.Space) {
	for _, name := range space.Shipped() {
		list = append(list, check.Must(space.Open(name))(t))
	}
	for range 20 {
		list = append(list, check.Must(space.Parse(spacetest.Document(rng)))(t))
	}
	return list
}

// Costs are sums over genes: those of a genotype equal what its network counts.
func TestCostsAreSums(t *testing.T) {
	const classes, image = 7, 32
	rng := rand.New(rand.NewPCG(1, 1))
	for _, s := range spaces(t, rng) {
		size := space.Size{Channels: 8, Cells: 7}
		params, macs := s.CountedCosts(size, classes, image)
		for range 20 {
			g, err := space.RandomGenotype(rng, s.FullMask())
			if err != nil {
				t.Fatal(err)
			}
			if got, want := params.Of(g), space.NetworkParams(g, size.Channels, size.Cells, classes, false); got != float64(want) {
				t.Errorf("%s: %v weights, want %d", s.Name(), got, want)
			}
			if got, want := macs.Of(g), space.NetworkMACs(g, size.Channels, size.Cells, classes, image); got != float64(want) {
				t.Errorf("%s: %v multiply-accumulates, want %d", s.Name(), got, want)
			}
		}
	}
}
