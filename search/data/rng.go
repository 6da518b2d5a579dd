package data

import (
	"math/rand/v2"

	"zos-ort/models/stream"
)

// generator is a PCG that is set anew for every image. It owns its source, so that seeding
// costs no allocation.
type generator struct {
	pcg rand.PCG
	*rand.Rand
}

func newGenerator() *generator {
	g := &generator{}
	g.Rand = rand.New(&g.pcg)
	return g
}

// at puts the generator at the start of a stream, and gives it back.
func (g *generator) at(seed uint64, p stream.Purpose, a, b uint64) *generator {
	stream.Set(&g.pcg, seed, p, a, b)
	return g
}

// between draws uniformly from [lo, hi).
func (g *generator) between(lo, hi float64) float64 {
	// The conversion keeps the product from being fused with the sum, which some processors
	// would do: the generated images have to be the same bytes everywhere.
	return lo + float64((hi-lo)*g.Float64())
}

// chance is true with probability p.
func (g *generator) chance(p float64) bool { return g.Float64() < p }
