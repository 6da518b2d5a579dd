// Package stream derives the random numbers of an experiment from its seed. Every use has a stream
// of its own, which does not depend on how much another use draws.
//
// A stream is named by (seed, purpose, a, b), where a and b are counters such as epoch and image.
// Its generator is a PCG whose 128 bits of state are two words of the hash
//
//	hi = mix(mix(seed) ^ purpose)
//	lo = mix(mix(hi ^ a) ^ b)
//
// where mix is a bijection of 64 bits in which a change of one input bit changes each output bit
// with a probability of about one half. A seed is never added to a counter: sums such as seed +
// purpose would make neighbouring seeds share streams.
//
// Why streams do not coincide. Two purposes of one seed have different hi, because mix is a
// bijection. A test shows the same for all purposes of all seeds below 65,536; for two larger seeds
// the probability that a pair of purposes has one hi is 2^-59. Under one hi, lo differs for
// different b with the same a, again by bijection; for different a it coincides with a probability
// of 2^-64. In 600 epochs of CIFAR-10, which have 3e7 images, the expected number of coincidences
// is 2e-5, and each would only give two images the same augmentation. A loader has a seed of its
// own (see Seed), which is that of another loader with a probability of 2^-64.
package stream

import "math/rand/v2"

// Purpose says what a stream is for.
type Purpose uint64

// Purposes. Their numbers are part of what a seed means: new ones come last.
const (
	_               Purpose = iota
	Split                   // which images train weights and which alphas
	Order                   // the order of the images of a loader, by epoch
	Augment                 // crops and flips of an image, by epoch and image
	Scene                   // a generated image
	Label                   // the label of a generated image
	Weights                 // the supernet of a search
	Alphas                  // its architecture parameters
	WeightImages            // the loader of the images that train weights
	AlphaImages             // the loader of the images that train alphas
	RankWeights             // the ranking network, by repeat
	RankImages              // the loader of its images, by repeat
	Mask                    // a random mask, by number
	Architecture            // a random architecture
	Network                 // the derived network that a search exports untrained
	TrainWeights            // the derived network of a retraining
	TrainImages             // the loader of its images
	DropPath                // its drop-path factors, by epoch and step
	Unmasked                // architectures of Figure 1 from the whole space
	Masked                  // architectures of Figure 1 from masks
	SharedMasks             // masks of Figure 1 that architectures share
	JudgeSpace              // random architectures of a judge
	JudgeMasks              // random masks of a judge, by number
	JudgeInside             // architectures inside of a judged mask, by what the mask is
	JudgeTests              // resamples of a judge's intervals and tests
	RankSample              // architectures of a file that are scored
	Perturbation            // the order in which edges are decided, by cell type
	RankTraining            // the loader of the images that train the ranking network, by repeat
	MeasuredWeights         // networks whose latency is measured
	MeasuredOrder           // the order in which they are, by round
	FittedNetworks          // architectures that fit a prediction of latencies
	CheckedNetworks         // architectures that test it
	Rivals                  // random architectures that are trained beside what a search has found
	purposes
)

// Set puts a generator at the start of a stream, without an allocation.
func Set(pcg *rand.PCG, seed uint64, p Purpose, a, b uint64) {
	hi := mix(mix(seed) ^ uint64(p))
	pcg.Seed(hi, mix(mix(hi^a)^b))
}

// New returns a generator at the start of the stream with an index.
func New(seed uint64, p Purpose, index uint64) *rand.Rand {
	pcg := new(rand.PCG)
	Set(pcg, seed, p, index, 0)
	return rand.New(pcg)
}

// Seed is the seed of something that has streams of its own, such as a loader. It is a number of
// the stream with an index, so that what belongs to different purposes or indices has different
// streams.
func Seed(seed uint64, p Purpose, index uint64) uint64 { return New(seed, p, index).Uint64() }

// mix is the finaliser of splitmix64 (Steele, Lea and Flood 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
