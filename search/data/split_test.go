package data

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitIsAPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, seed := rapid.IntRange(0, 500).Draw(t, "n"), rapid.Uint64().Draw(t, "seed")
		weights, alphas := Split(n, seed)
		if len(weights) != n/2 || len(alphas) != n-n/2 {
			t.Fatalf("halves of %d have %d and %d images", n, len(weights), len(alphas))
		}
		all := append(slices.Clone(weights), alphas...)
		slices.Sort(all)
		for i, v := range all {
			if i != v {
				t.Fatalf("not a permutation of 0..%d: %v", n-1, all)
			}
		}
	})
}

func TestSplitIsFixed(t *testing.T) {
	weights, alphas := Split(9, 42)
	if want := []int{2, 4, 0, 5}; !slices.Equal(weights, want) {
		t.Errorf("weights %v, want %v", weights, want)
	}
	if want := []int{6, 3, 7, 8, 1}; !slices.Equal(alphas, want) {
		t.Errorf("alphas %v, want %v", alphas, want)
	}
	other, _ := Split(9, 43)
	if slices.Equal(weights, other) {
		t.Errorf("seeds 42 and 43 give the same split %v", weights)
	}
}

// Growing one half must not overwrite the other, which shares its array.
func TestSplitHalvesAreSeparate(t *testing.T) {
	weights, alphas := Split(10, 1)
	first := alphas[0]
	_ = append(weights, -1)
	if alphas[0] != first {
		t.Error("appending to weights changed alphas")
	}
}
