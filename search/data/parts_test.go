package data

import (
	"context"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
)

// The parts of a batch, side by side, are the batch of a single consumer: images with their augmentation, labels and
// count, in epochs and in a stream without end.
func TestPartsMakeTheBatch(t *testing.T) {
	const batch, parts, images = 3, 4, 40 // 40 images are 3 full batches of 12, and 4 images more
	for _, tail := range []Tail{TailDrop, TailPad} {
		cfg := LoaderConfig{Set: noise(images, 6, 4), Batch: batch * parts, Seed: 7, Augment: search, Shuffle: true, Tail: tail}
		whole := mustLoader(t, cfg)
		cfg.Batch, cfg.Parts = batch, parts
		var list []*Loader
		for cfg.Part = range parts {
			list = append(list, mustLoader(t, cfg))
			if n := list[cfg.Part].Steps(); n != whole.Steps() {
				t.Errorf("part %d has %d steps, the whole %d", cfg.Part, n, whole.Steps())
			}
		}
		for pass, start := range []func(*Loader) *Pass{func(l *Loader) *Pass { return l.Epoch(2) },
			func(l *Loader) *Pass { return l.Endless(2) }} {
			sources := []*Pass{start(whole)}
			for _, l := range list {
				sources = append(sources, start(l))
			}
			steps := whole.Steps() + 4*pass // beyond the end of an epoch where there is none
			for step := range steps {
				want, _ := sources[0].Next()
				var got Batch
				for _, p := range sources[1:] {
					b, ok := p.Next()
					if !ok {
						t.Fatalf("step %d: a part has ended", step)
					}
					got.Images, got.Labels = append(got.Images, b.Images...), append(got.Labels, b.Labels...)
					got.Source, got.Count = append(got.Source, b.Source...), got.Count+b.Count
				}
				if !slices.Equal(got.Images, want.Images) || !slices.Equal(got.Labels, want.Labels) ||
					!slices.Equal(got.Source, want.Source) || got.Count != want.Count {
					t.Fatalf("tail %d, pass %d, step %d: the parts have images %v (%d), the whole %v (%d)", tail, pass, step,
						got.Source, got.Count, want.Source, want.Count)
				}
			}
		}
	}
}

func TestPartsAreChecked(t *testing.T) {
	cfg := LoaderConfig{Set: noise(40, 6, 4), Batch: 11, Parts: 4, Tail: TailDrop}
	_, err := NewLoader(context.Background(), cfg)
	check.Error(t, err, "40 images of", "make no full batch of 44")
	cfg.Batch, cfg.Part = 3, 4
	_, err = NewLoader(context.Background(), cfg)
	check.Error(t, err, "part is 4, want 0..3")
	cfg.Part, cfg.Tail = 0, TailShort
	_, err = NewLoader(context.Background(), cfg)
	check.Error(t, err, "4 parts of a short batch")
}
