package data

import "math/rand/v2"

// What a stream of random numbers is for. Two purposes never share a stream, so that adding
// a draw to one of them leaves the others as they were.
const (
	purposeSplit uint64 = iota + 1
	purposeOrder
	purposeAugment
	purposeScene
	purposeLabel
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

// at puts the generator at the start of the stream that belongs to the keys, and gives it back.
// Counters such as epoch and image differ in few bits, hence the mixing.
func (g *generator) at(seed, purpose, a, b uint64) *generator {
	hi := mix(mix(seed) ^ purpose)
	lo := mix(mix(hi^a) ^ b)
	g.pcg.Seed(hi, lo)
	return g
}

// mix is the finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection of 64 bits in which
// every input bit changes half of the output bits.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// between draws uniformly from [lo, hi).
func (g *generator) between(lo, hi float64) float64 {
	// The conversion keeps the product from being fused with the sum, which some processors
	// would do: the generated images have to be the same bytes everywhere.
	return lo + float64((hi-lo)*g.Float64())
}

// chance is true with probability p.
func (g *generator) chance(p float64) bool { return g.Float64() < p }
