package data_test

import (
	"context"
	"fmt"
	"log"

	"zos-ort/search/data"
)

// The data side of a bilevel search: one half of the images for the weights, epoch by epoch, the
// other half for the alphas, as many batches as are needed.
func Example() {
	train, _, err := data.Synthetic(data.SyntheticConfig{Size: 16, Train: 500, Test: 10, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	weights, alphas := data.Split(train.Len(), 1)
	load := func(indices []int, seed uint64) *data.Loader {
		l, err := data.NewLoader(context.Background(), data.LoaderConfig{Set: train, Indices: indices,
			Batch: 64, Seed: seed, Augment: data.Augment{Pad: 4, Flip: true}, Shuffle: true,
			Tail: data.TailDrop})
		if err != nil {
			log.Fatal(err)
		}
		return l
	}
	onWeights, onAlphas := load(weights, 1), load(alphas, 2)
	defer onWeights.Close()
	defer onAlphas.Close()
	for epoch := range 2 {
		steps := 0
		training, validation := onWeights.Epoch(epoch), onAlphas.Endless(epoch)
		for batch, ok := training.Next(); ok; batch, ok = training.Next() {
			held, _ := validation.Next()
			steps += (batch.Count + held.Count) / 128
		}
		if err := training.Err(); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("epoch %d: %d steps on %d classes\n", epoch, steps, len(train.Classes))
	}
	// Output:
	// epoch 0: 3 steps on 10 classes
	// epoch 1: 3 steps on 10 classes
}
