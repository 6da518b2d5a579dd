package search_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/ort/program"
	"zos-ort/search"
	"zos-ort/search/train"
)

// A search that is interrupted after every step, and each time goes on from what was saved, makes
// the same steps and ends with the same bits as one that never stops.
func TestResumedSearchIsTheSame(t *testing.T) {
	runtime(t)
	for name, partial := range map[string]int{"full channels": 1, "partial channels": 4} {
		t.Run(name, func(t *testing.T) {
			c := tinyConfig()
			c.Net.Channels, c.Net.Partial, c.Epochs = 4*partial, partial, 3
			want, whole := runs(t, c)
			got, pieces := interrupted(t, c)
			if !slices.Equal(pieces.steps, whole.steps) {
				t.Errorf("steps differ:\n%v\n%v", pieces.steps, whole.steps)
			}
			for i, x := range pieces.epochs {
				y := whole.epochs[i]
				if !x.Alphas.Equal(y.Alphas) {
					t.Errorf("epoch %d: alphas differ", i)
				}
				if x.Alphas, y.Alphas = nil, nil; x != y {
					t.Errorf("epoch %d differs:\n%+v\n%+v", i, x, y)
				}
			}
			if got.Genotype != want.Genotype || !got.Alphas.Equal(want.Alphas) ||
				got.Last.Means != want.Last.Means || got.Last.ValidLoss != want.Last.ValidLoss {
				t.Errorf("results differ:\n%+v\n%+v", got, want)
			}
			equalVectors(t, pieces.state, whole.state)
		})
	}
}

// interrupted runs a search in pieces of one step; the recorder has seen all of them.
func interrupted(t *testing.T, c search.Config) (*search.Result, *recorder) {
	t.Helper()
	all := new(recorder)
	var from *search.Start
	for piece := 0; ; piece++ {
		ctx, cancel := context.WithCancel(context.Background())
		all.onStep = func(train.Progress) { cancel() }
		res, err := search.Run(ctx, c, images(t), from, all)
		cancel()
		if err == nil {
			if piece < len(all.steps) {
				t.Errorf("only %d interruptions in %d steps", piece, len(all.steps))
			}
			return res, all
		}
		if !errors.Is(err, context.Canceled) || piece > 100 {
			t.Fatalf("piece %d: %v", piece, err)
		}
		from = all.start(t)
	}
}

func equalVectors(t *testing.T, a, b program.Vectors) {
	t.Helper()
	if !slices.Equal(a.Weights, b.Weights) || !slices.Equal(a.Momentum, b.Momentum) ||
		!slices.Equal(a.Means, b.Means) || !slices.Equal(a.Variances, b.Variances) {
		t.Error("the states differ")
	}
}

// A finished search can be asked for its result again.
func TestResumeAfterTheEnd(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	want, r := runs(t, c)
	again := new(recorder)
	got, err := search.Run(context.Background(), c, images(t), r.start(t), again)
	if err != nil || got.Genotype != want.Genotype || got.Last.ValidAcc != want.Last.ValidAcc ||
		len(again.steps) != 0 {
		t.Errorf("%+v after %d steps, %v", got, len(again.steps), err)
	}
}

func TestForeignSnapshotsAreRefused(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	_, r := runs(t, c)
	for word, change := range map[string]func(*search.Start){
		"belong to another mask": func(s *search.Start) {
			other := tinyConfig()
			other.Net.Mask = space.FullMask()
			s.Alphas = other.InitialAlphas()
		},
		"saved moments have 1": func(s *search.Start) { s.Adam.M = s.Adam.M[:1] },
		"state weights: needs": func(s *search.Start) { s.Vectors.Weights = s.Vectors.Weights[1:] },
	} {
		from := r.start(t)
		change(from)
		_, err := search.Run(context.Background(), c, images(t), from, new(recorder))
		check.Error(t, err, word)
	}
}

func TestFailureToSaveEndsTheSearch(t *testing.T) {
	runtime(t)
	r := &recorder{full: errors.New("no space left")}
	_, err := search.Run(context.Background(), tinyConfig(), images(t), nil, r)
	if !errors.Is(err, r.full) || len(r.epochs) != 1 {
		t.Errorf("%v after %d epochs", err, len(r.epochs))
	}
}
