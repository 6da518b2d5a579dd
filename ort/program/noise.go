package program

import (
	"math"
	"math/rand/v2"
)

// drawNoise fills the input noise with standard normal numbers for a batch of images. Their seed is a hash (FNV-1a, word
// by word) of the images: every batch has numbers of its own, and a batch that comes again after a resumed search has the same.
func drawNoise(noise, images []float32) {
	hash := uint64(14695981039346656037)
	for _, x := range images {
		hash = (hash ^ uint64(math.Float32bits(x))) * 1099511628211
	}
	rng := rand.New(rand.NewPCG(hash, uint64(len(images))))
	for i := range noise {
		noise[i] = float32(rng.NormFloat64())
	}
}
