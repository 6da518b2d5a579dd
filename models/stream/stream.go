// Package stream derives the random numbers of an experiment from its seed: every use has a stream of its
// own, which does not depend on how much another one draws.
//
// A stream is named by (seed, purpose, a, b). Its generator is a PCG whose 128 bits of state are two words of
// the hash
//
//	hi = mix(mix(seed) ^ purpose)
//	lo = mix(mix(hi ^ a) ^ b)
//
// where mix is a bijection of 64 bits in which every input bit changes half of the output bits. Streams of
// one seed and purpose differ in lo: for equal a in b by bijection, else unless two mixed words happen to
// differ by a ^ b. Streams of other seeds and purposes have another hi unless two mixed seeds happen to differ
// in nothing but the few low bits that tell purposes apart. Either has a probability below 2^-58 for any two
// streams. Sums such as seed + purpose, which make neighbouring seeds share streams, occur nowhere.
package stream

import "math/rand/v2"

// Purpose says what a stream is for.
type Purpose uint64

// Purposes. Their numbers are part of what a seed means: new ones come last.
const (
	_            Purpose = iota
	Split                // which images train weights and which alphas
	Order                // the order of the images of a loader, by epoch
	Augment              // crops and flips of an image, by epoch and image
	Scene                // a generated image
	Label                // the label of a generated image
	Weights              // the supernet of a search
	Alphas               // its architecture parameters
	WeightImages         // the loader of the images that train weights
	AlphaImages          // the loader of the images that train alphas
	RankWeights          // the ranking network, by repeat
	RankImages           // the loader of its images, by repeat
	Mask                 // a random mask, by number
	Architecture         // a random architecture
	Network              // the derived network that a search exports untrained
	TrainWeights         // the derived network of a retraining
	TrainImages          // the loader of its images
	DropPath             // its drop-path factors, by epoch and step
	Unmasked             // architectures of Figure 1 from the whole space
	Masked               // architectures of Figure 1 from masks
	SharedMasks          // masks of Figure 1 that architectures share
	purposes
)

// Set puts a generator at the start of a stream, without an allocation.
func Set(pcg *rand.PCG, seed uint64, p Purpose, a, b uint64) {
	hi := mix(mix(seed) ^ uint64(p))
	pcg.Seed(hi, mix(mix(hi^a)^b))
}

// New is a generator at the start of the stream with an index.
func New(seed uint64, p Purpose, index uint64) *rand.Rand {
	pcg := new(rand.PCG)
	Set(pcg, seed, p, index, 0)
	return rand.New(pcg)
}

// Seed is the seed of something that has streams of its own, such as a loader.
func Seed(seed uint64, p Purpose, index uint64) uint64 { return New(seed, p, index).Uint64() }

// mix is the finaliser of splitmix64 (Steele, Lea and Flood 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
