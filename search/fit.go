package search

import (
	"context"

	"zos-ort/graphgen"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/ort/program"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// Fit trains the weights of a supernet alone, with equal mixing weights, for the epochs of the configuration. It starts
// from the weights that initial draws, and returns the trained ones with their layout. The loader gives the batches of an
// epoch; step is called after every one, with the epoch from 0.
func (c Config) Fit(ctx context.Context, image int, initial func(graphgen.Layout) []float32, l *data.Loader,
	step func(train.Progress)) (graphgen.Layout, []float32, error) {
	spec, err := c.Spec(image).Learn()
	if err != nil {
		return nil, nil, err
	}
	p, err := spec.WeightStep()
	if err != nil {
		return nil, nil, err
	}
	s, err := Open(Programs{Weight: p}, program.Vectors{Weights: initial(p.Weights)},
		space.NewAlphas(c.Net.Mask, c.Net.Partial > 1), c.Options)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	alone := ranks.NewTogether(ctx, nil) // ranks that fit side by side come to the same bits
	defer alone.End()
	for epoch := range c.Epochs {
		at := 0
		err := train.Steps(alone, &at, l.Steps(), l.Epoch(epoch), func() error { return nil }, func(b *data.Batch) error {
			o, err := s.WeightStep(b.Images, b.Labels, train.Cosine(c.Rate, epoch, c.Epochs))
			if err == nil {
				err = s.watch(epoch).Finite(o.Loss, "a weight step")
			}
			step(train.Progress{Epoch: epoch, Step: at + 1, Steps: l.Steps(), Loss: o.Loss, Accuracy: float64(o.Correct) / float64(c.Batch)})
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	weights := make([]float32, p.Weights.Len())
	return p.Weights, weights, s.Net.Get(program.Vectors{Weights: weights})
}
