package stream

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// No two streams of any two seeds coincide: the first numbers of all of them differ, and so do the seeds
// that loaders get.
func TestStreamsDiffer(t *testing.T) {
	type key struct{ a, b uint64 }
	first, seeds := map[key]string{}, map[uint64]string{}
	for _, seed := range []uint64{0, 1, 2, 3, 4, 5, 99, 100, 1000, 1001, 2000, 2001, 1 << 32, ^uint64(0)} {
		for p := Split; p < purposes; p++ {
			for index := range uint64(40) {
				name := fmt.Sprintf("seed %d, purpose %d, index %d", seed, p, index)
				rng := New(seed, p, index)
				k := key{rng.Uint64(), rng.Uint64()}
				if other, taken := first[k]; taken {
					t.Errorf("%s is the stream of %s", name, other)
				}
				first[k] = name
				s := Seed(seed, p, index)
				if other, taken := seeds[s]; taken {
					t.Errorf("%s gives the seed of %s", name, other)
				}
				seeds[s] = name
			}
		}
	}
}

// A stream does not run into that of a neighbour: the first thousand numbers of many are all different.
func TestStreamsDoNotOverlap(t *testing.T) {
	seen := map[uint64]string{}
	for seed := range uint64(8) {
		for _, p := range []Purpose{Order, WeightImages, AlphaImages, RankWeights, RankImages} {
			for index := range uint64(4) {
				name := fmt.Sprintf("seed %d, purpose %d, index %d", seed, p, index)
				rng := New(seed, p, index)
				for range 1000 {
					x := rng.Uint64()
					if other, taken := seen[x]; taken && other != name {
						t.Fatalf("%s has a number of %s", name, other)
					}
					seen[x] = name
				}
			}
		}
	}
}

func TestSetAllocatesNothing(t *testing.T) {
	var pcg rand.PCG
	if n := testing.AllocsPerRun(10, func() { Set(&pcg, 1, Augment, 2, 3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
