package search_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/ranks"
	"zos-ort/models/ranks/ranktest"
	"zos-ort/models/stream"
	"zos-ort/ort/program"
	"zos-ort/search"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// together searches on n ranks in one process, each with a recorder and a context of its own.
func together(t *testing.T, c search.Config, n int, set *data.Set, start func(rank int) (context.Context,
	*search.Start)) ([]*search.Result, []*recorder, error) {
	t.Helper()
	results, recorders := make([]*search.Result, n), make([]*recorder, n)
	err := ranktest.Run(n, func(g ranks.Group) (err error) {
		own, rank := c, g.Rank()
		own.Ranks, recorders[rank] = g, new(recorder)
		ctx, from := start(rank)
		results[rank], err = search.Run(ctx, own, set, from, recorders[rank])
		return err
	})
	return results, recorders, err
}

func fresh(int) (context.Context, *search.Start) { return context.Background(), nil }

// few is a search of two images a step, so that six ranks can share the 24 images.
func few() search.Config {
	c := tinyConfig()
	c.Batch = 2
	return c
}

// sameSearch compares bits: steps, results and state.
func sameSearch(t *testing.T, what string, a, b *search.Result, ra, rb *recorder) {
	t.Helper()
	if !a.Alphas.Equal(b.Alphas) || a.Genotype != b.Genotype {
		t.Errorf("%s: alphas or genotypes differ", what)
	}
	if !slices.Equal(ra.steps, rb.steps) {
		t.Errorf("%s: steps differ:\n%v\n%v", what, ra.steps, rb.steps)
	}
	for i := range ra.epochs {
		if x, y := ra.epochs[i], rb.epochs[i]; x.Means != y.Means || x.ValidLoss != y.ValidLoss || x.Genotype != y.Genotype {
			t.Errorf("%s: epoch %d differs:\n%+v\n%+v", what, i, x, y)
		}
	}
	equalVectors(t, ra.state, rb.state)
}

// After 100 steps all ranks hold the same bits, and the same seed and number of ranks give them again.
func TestRanksHoldTheSameBits(t *testing.T) {
	runtime(t)
	for _, n := range []int{2, 4} {
		c := few()
		steps := 12 / (c.Batch * n) // 12 images train the weights
		c.Epochs, c.Valid = (100+steps-1)/steps, 8
		a, ra, err := together(t, c, n, images(t), fresh)
		if err != nil {
			t.Fatal(err)
		}
		if len(ra[0].steps) < 100 {
			t.Errorf("%d ranks: %d steps, want 100", n, len(ra[0].steps))
		}
		for rank := range n {
			sameSearch(t, fmt.Sprintf("rank %d of %d", rank, n), a[0], a[rank], ra[0], ra[rank])
		}
		b, rb, err := together(t, c, n, images(t), fresh)
		if err != nil {
			t.Fatal(err)
		}
		sameSearch(t, fmt.Sprintf("%d ranks again", n), a[0], b[0], ra[0], rb[0])
	}
}

// What decides beside the alphas is the same on all ranks: a perturbation, frozen operations, limits.
func TestRanksDecideTheSame(t *testing.T) {
	runtime(t)
	frozen := freezing(.9)
	for name, c := range map[string]search.Config{"perturbation": perturbing(2, 1), "freezing": frozen,
		"limits": limited(wide(), .1)} {
		c.Batch = 2
		a, r, err := together(t, c, 2, images(t), fresh)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sameSearch(t, name, a[0], a[1], r[0], r[1])
		if name == "freezing" && a[0].Last.Frozen == 0 {
			t.Error("no operation has frozen")
		}
	}
}

// settled is a search in which rounding does not grow: batch norms over two images of a few pixels divide by next to
// nothing.
func settled(t *testing.T) (search.Config, *data.Set) {
	t.Helper()
	set, _, err := data.Synthetic(data.SyntheticConfig{Size: 8, Train: 96, Test: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := tinyConfig()
	c.Batch, c.Rate = 8, .005
	return c, set
}

// losses are losses of alpha steps and weight steps.
type losses [2][]float64

func (l losses) near(t *testing.T, what string, want losses) {
	t.Helper()
	for k, name := range []string{"alpha", "weight"} {
		if len(l[k]) < 20 || len(l[k]) != len(want[k]) {
			t.Fatalf("%s: %d %s steps, want %d, 20 at least", what, len(l[k]), name, len(want[k]))
		}
		for i, x := range l[k] {
			if d := math.Abs(x - want[k][i]); !(d <= 1e-4) {
				t.Errorf("%s, %s step %d: loss %v, want %v within 1e-4", what, name, i, x, want[k][i])
			}
		}
	}
}

// N ranks with the batch B follow one with the batch N B. Batch norms of a rank know its own images only, so the batch
// here is one part repeated: its statistics are those of the part.
func TestRanksFollowOne(t *testing.T) {
	runtime(t)
	for _, n := range []int{2, 4} {
		c, set := settled(t)
		alone := followed(t, c, set, n, nil)
		all := make([]losses, n)
		err := ranktest.Run(n, func(g ranks.Group) error {
			all[g.Rank()] = followed(t, c, set, n, g)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for rank, l := range all {
			l.near(t, fmt.Sprintf("rank %d of %d", rank, n), alone)
		}
	}
}

// followed makes 20 steps on batches that repeat a part n times, or, as a rank of a group, on the part.
func followed(t *testing.T, c search.Config, set *data.Set, n int, g ranks.Group) (l losses) {
	repeat := n
	if g != nil {
		repeat = 1
	}
	part := c.Batch
	c.Batch *= repeat
	p := check.Must(search.EmitRanks(c.Spec(set.Size), ranks.Of(g).Size()))(t)
	v := program.Vectors{Weights: c.InitialWeights(p.Shape().Weights)}
	s := check.Must(search.OpenRanks(p, v, c.InitialAlphas(), c.Options, g))(t)
	defer s.Close()
	loader := check.Must(data.NewLoader(t.Context(), data.LoaderConfig{Set: set, Batch: part, Shuffle: true, Seed: 5}))(t)
	defer loader.Close()
	pass := loader.Endless(0)
	for range 20 {
		for k := range l {
			b, _ := pass.Next()
			images, labels := slices.Repeat(b.Images, repeat), slices.Repeat(b.Labels, repeat)
			var o search.Outcome
			var err error
			if k == 0 {
				o, err = s.AlphaStep(images, labels, .1)
			} else {
				o, err = s.WeightStep(images, labels, c.Rate)
			}
			if err != nil {
				t.Error(err)
				return l
			}
			l[k] = append(l[k], o.Loss)
		}
	}
	return l
}

// N ranks make the steps of one process that computes the gradients of the parts of a batch one after the other, with
// batch norms over each part, and averages them in the order of the ranks: with another order a difference in the last bit
// decides after some steps on which side of a ReLU a pixel is, and grows.
func TestRanksAreAsEmulated(t *testing.T) {
	runtime(t)
	for _, n := range []int{2, 3, 4} {
		c, set := settled(t)
		c.Warmup, c.Beta = 0, 0
		steps := 48 / (c.Batch * n)
		c.Epochs = (20 + steps - 1) / steps
		_, r, err := together(t, c, n, set, fresh)
		if err != nil {
			t.Fatal(err)
		}
		var got losses
		for _, p := range r[n-1].steps {
			got[0], got[1] = append(got[0], p.AlphaLoss), append(got[1], p.Loss)
		}
		got.near(t, fmt.Sprintf("%d ranks", n), emulated(t, c, n, set))
	}
}

// emulated searches as n ranks with the batch c.Batch do.
func emulated(t *testing.T, c search.Config, n int, set *data.Set) (l losses) {
	halves := check.Must(search.EmitRanks(c.Spec(set.Size), 2))(t)
	s := check.Must(search.Open(check.Must(search.Emit(c.Spec(set.Size)))(t),
		program.Vectors{Weights: c.InitialWeights(halves.Shape().Weights)}, c.InitialAlphas(), c.Options))(t)
	defer s.Close()
	gradient := check.Must(s.Net.OpenWeightGradient(halves.Gradient))(t)
	defer gradient.Close()
	update := check.Must(s.Net.OpenWeightUpdate(halves.Update))(t)
	defer update.Close()
	s.Adam.Rate = c.Alpha

	w, a := data.Split(set.Len(), c.Seed)
	weights := whole(t, c, n, set, w, stream.WeightImages)
	alphas := whole(t, c, n, set, a, stream.AlphaImages)
	for epoch := range c.Epochs {
		other, pass := alphas.Endless(epoch), weights.Epoch(epoch)
		for b, ok := pass.Next(); ok; b, ok = pass.Next() {
			x, _ := other.Next()
			l[0] = append(l[0], averaged(t, x, n, len(s.Alphas.Vector()), func(images []float32, labels []int64) (float64, []float64) {
				if err := s.Gradient(images, labels, 0); err != nil {
					t.Fatal(err)
				}
				return s.LastLoss(), s.LastGradient().Vector()
			}, func(mean []float64) { s.Adam.Update(s.Alphas.Vector(), mean) }))
			l[1] = append(l[1], averaged(t, b, n, len(update.WeightGradient), func(images []float32, labels []int64) (float64,
				[]float32) {
				if err := errors.Join(s.Feed(gradient, images, labels), gradient.Run()); err != nil {
					t.Fatal(err)
				}
				return float64(gradient.Loss[0]), gradient.WeightGradient
			}, func(mean []float32) {
				copy(update.WeightGradient, mean)
				update.Rate[0] = float32(train.Cosine(c.Rate, epoch, c.Epochs))
				if err := update.Run(); err != nil {
					t.Fatal(err)
				}
			}))
		}
	}
	return l
}

// whole loads the batches of all ranks.
func whole(t *testing.T, c search.Config, n int, set *data.Set, indices []int, id stream.Purpose) *data.Loader {
	t.Helper()
	l := check.Must(data.NewLoader(t.Context(), data.LoaderConfig{Set: set, Indices: indices, Batch: n * c.Batch,
		Augment: c.Augment, Shuffle: true, Seed: stream.Seed(c.Seed, id, 0), Tail: data.TailDrop}))(t)
	t.Cleanup(l.Close)
	return l
}

// averaged hands the mean gradient of the parts of a batch to apply, and returns the mean loss.
func averaged[T float32 | float64](t *testing.T, b *data.Batch, n, length int, gradient func([]float32, []int64) (float64, []T),
	apply func([]T)) (loss float64) {
	t.Helper()
	mean := make([]T, length)
	images, labels := len(b.Images)/n, len(b.Labels)/n
	for part := range n {
		l, g := gradient(b.Images[part*images:(part+1)*images], b.Labels[part*labels:(part+1)*labels])
		loss += l / float64(n)
		for i, x := range g {
			mean[i] += x
		}
	}
	for i := range mean {
		mean[i] *= 1 / T(n)
	}
	apply(mean)
	return loss
}

// A signal that reaches one rank stops all at the same step, and what any of them has saved resumes all: with the
// same number of ranks to the same bits, with another number to the end.
func TestRanksStopAndResume(t *testing.T) {
	runtime(t)
	c := few()
	c.Epochs = 3
	want, rw, err := together(t, c, 2, images(t), fresh)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopping := make([]*recorder, 2)
	err = ranktest.Run(2, func(g ranks.Group) error {
		own, r := c, new(recorder)
		own.Ranks, stopping[g.Rank()] = g, r
		mine := context.Background()
		if g.Rank() == 1 {
			mine = ctx
			r.onStep = func(p train.Progress) {
				if p.Epoch == 1 && p.Step == 2 {
					cancel()
				}
			}
		}
		if _, err := search.Run(mine, own, images(t), nil, r); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("rank %d: %w, want an interruption", g.Rank(), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, m := len(stopping[0].steps), len(stopping[1].steps); n != 5 || m != 5 { // 3 steps an epoch
		t.Errorf("the ranks stopped after %d and %d steps, want 5", n, m)
	}
	from := func(int) (context.Context, *search.Start) { return context.Background(), stopping[0].start(t) }
	got, rg, err := together(t, c, 2, images(t), from)
	if err != nil {
		t.Fatal(err)
	}
	rg[0].steps = slices.Concat(stopping[0].steps, rg[0].steps)
	rg[0].epochs = slices.Concat(stopping[0].epochs, rg[0].epochs)
	sameSearch(t, "resumed", want[0], got[0], rw[0], rg[0])
	for n, step := range map[int]int{1: 5, 3: 2} { // two steps of four images are four of two, one of six
		other, r, err := together(t, c, n, images(t), from)
		if err != nil {
			t.Fatalf("resumed with %d ranks: %v", n, err)
		}
		if first := r[0].steps[0]; first.Epoch != 1 || first.Step != step || other[0].Last.Epoch != 2 {
			t.Errorf("%d ranks went on at epoch %d, step %d, to epoch %d", n, first.Epoch, first.Step, other[0].Last.Epoch)
		}
	}
}

// faulty is a group whose sums differ from rank to rank.
type faulty struct{ ranks.Group }

func (f faulty) Sum32(v []float32) error {
	err := f.Group.Sum32(v)
	v[0] += float32(f.Rank())
	return err
}

// Ranks that come apart end with an error instead of saving what belongs to one of them.
func TestRanksThatComeApart(t *testing.T) {
	runtime(t)
	set := images(t)
	err := ranktest.Run(2, func(g ranks.Group) error {
		c, r := few(), new(recorder)
		c.Ranks = faulty{g}
		_, err := search.Run(t.Context(), c, set, nil, r)
		if err == nil || err.Error() != "weights of rank 1 differ from those of rank 0" || r.saved != nil {
			return fmt.Errorf("rank %d: %w, %d bytes saved", g.Rank(), err, len(r.saved))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
