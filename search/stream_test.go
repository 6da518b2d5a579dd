package search

import (
	"fmt"
	"slices"
	"testing"

	"zos-ort/search/data"
	"zos-ort/search/train"
)

// The loaders of searches with neighbouring seeds have orders of their own. Orders are compared by
// position in the half that a loader draws from, so that different halves cannot hide an equal
// order.
func TestLoadersOfNeighbouringSeedsShareNoOrder(t *testing.T) {
	images, _, err := data.Synthetic(data.SyntheticConfig{Size: 8, Train: 64, Test: 1})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	note := func(what string, pass *data.Pass, half []int) {
		b, err := train.Batch(pass)
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		for _, i := range b.Source {
			order = append(order, slices.Index(half, i))
		}
		key := fmt.Sprint(order)
		if before, ok := seen[key]; ok {
			t.Errorf("the %s have the order of the %s", what, before)
		}
		seen[key] = what
	}
	for seed := range uint64(8) {
		l, err := Config{Batch: 32, Seed: seed}.loaders(t.Context(), images)
		if err != nil {
			t.Fatal(err)
		}
		weights, alphas := data.Split(images.Len(), seed)
		for epoch := range 3 {
			place := fmt.Sprintf("of seed %d in epoch %d", seed, epoch)
			note("weights "+place, l.weights.Epoch(epoch), weights)
			note("alphas "+place, l.alphas.Epoch(epoch), alphas)
		}
		l.close()
	}
}
