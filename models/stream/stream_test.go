package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// No two purposes of any two small seeds share the upper half of the state, hence no streams
// coincide.
func TestUpperHalvesDiffer(t *testing.T) {
	const seeds = 1 << 16
	all := make([]uint64, 0, seeds*int(purposes-Split))
	for seed := range uint64(seeds) {
		for p := Split; p < purposes; p++ {
			all = append(all, mix(mix(seed)^uint64(p)))
		}
	}
	n := len(all)
	slices.Sort(all)
	if left := len(slices.Compact(all)); left != n {
		t.Errorf("%d pairs of seed and purpose have %d upper halves", n, left)
	}
}

// The first numbers of streams of different seeds, purposes and indices differ, and so do the seeds
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

// Streams of neighbours do not run into each other: the first thousand numbers of many are all
// different.
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
