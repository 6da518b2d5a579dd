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
	of := func(partial int) search.Config {
		c := tinyConfig()
		c.Net.Channels, c.Net.Partial, c.Epochs = 4*partial, partial, 3
		return c
	}
	averaged := of(1)
	averaged.Average = 2
	for name, c := range map[string]search.Config{"full channels": of(1), "partial channels": of(4),
		"averaged alphas": averaged, "perturbation": perturbing(4, 1), "freezing": freezing(.1),
		"limits": limited(wide(), .1), "limits and a perturbation": limited(perturbing(4, 1), .4)} {
		t.Run(name, func(t *testing.T) {
			want, whole := runs(t, c)
			got, pieces := interrupted(t, c)
			if x, y := trained(pieces.steps), trained(whole.steps); !slices.Equal(x, y) {
				t.Errorf("steps differ:\n%v\n%v", x, y)
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

// trained leaves out the trials of decisions, which begin anew after an interruption.
func trained(steps []train.Progress) []train.Progress {
	return slices.DeleteFunc(slices.Clone(steps), func(p train.Progress) bool { return p.Decides })
}

// interrupted runs a search in pieces of one step, and stops every decision once at its second trial; the recorder has seen all
// of them.
func interrupted(t *testing.T, c search.Config) (*search.Result, *recorder) {
	t.Helper()
	all := new(recorder)
	var from *search.Start
	decision := -1
	for piece := 0; ; piece++ {
		ctx, cancel := context.WithCancel(context.Background())
		all.onStep = func(p train.Progress) {
			if !p.Decides {
				cancel()
			} else if p.Epoch > decision && p.Step == 2 {
				decision = p.Epoch
				cancel()
			}
		}
		res, err := search.Run(ctx, c, images(t), from, all)
		cancel()
		if err == nil {
			if n := len(trained(all.steps)); piece < n {
				t.Errorf("only %d interruptions in %d steps", piece, n)
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
			other.Net.Mask = space.DARTS.FullMask()
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
