package search_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"zos-ort/graphgen/check"
	"zos-ort/search"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

func runs(t *testing.T, c search.Config) (*search.Result, *recorder) {
	t.Helper()
	r := new(recorder)
	res, err := search.Run(context.Background(), c, images(t), nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return res, r
}

// The same seed gives the same bits, in one process too; another seed does not.
func TestSameSeedSameBits(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	a, ra := runs(t, c)
	b, rb := runs(t, c)
	if !a.Alphas.Equal(b.Alphas) || a.Genotype != b.Genotype {
		t.Error("the alphas or the genotypes differ")
	}
	if !slices.Equal(ra.steps, rb.steps) {
		t.Errorf("steps differ:\n%v\n%v", ra.steps, rb.steps)
	}
	for i := range ra.epochs {
		x, y := ra.epochs[i], rb.epochs[i]
		if !x.Alphas.Equal(y.Alphas) {
			t.Errorf("epoch %d: alphas differ", i)
		}
		if x.Alphas, y.Alphas = nil, nil; x != y {
			t.Errorf("epoch %d differs:\n%+v\n%+v", i, x, y)
		}
	}
	c.Seed++
	other, ro := runs(t, c)
	if other.Alphas.Equal(a.Alphas) || ro.epochs[0].TrainLoss == ra.epochs[0].TrainLoss {
		t.Error("another seed gives the same search")
	}
}

func TestWarmupLeavesTheAlphasAlone(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	res, r := runs(t, c)
	if len(r.epochs) != 2 || len(r.steps) != 6 { // 12 images train the weights, in batches of 4
		t.Fatalf("%d epochs, %d steps", len(r.epochs), len(r.steps))
	}
	first, last := r.epochs[0], r.epochs[1]
	if !first.Alphas.Equal(c.InitialAlphas()) {
		t.Error("the alphas moved during warm-up")
	}
	if first.AlphaLoss != 0 || first.Lambda != 0 || first.Rate != .05 {
		t.Errorf("warm-up: %+v", first)
	}
	if last.Alphas.Equal(first.Alphas) || last.AlphaLoss <= 0 || last.Lambda != .5 ||
		last.Rate != train.Cosine(.05, 1, 2) {
		t.Errorf("after warm-up: %+v", last)
	}
	for i, p := range r.steps {
		want := train.Progress{Epoch: i / 3, Step: i%3 + 1, Steps: 3, Loss: p.Loss,
			Accuracy: p.Accuracy, AlphaLoss: p.AlphaLoss}
		if p != want || p.Loss <= 0 || (p.AlphaLoss > 0) != (p.Epoch == 1) {
			t.Errorf("step %d: %+v", i, p)
		}
	}
	mean := (r.steps[3].Loss + r.steps[4].Loss + r.steps[5].Loss) / 3
	if d := last.TrainLoss - mean; d > 1e-12 || d < -1e-12 || last.Norm <= 0 || last.ValidLoss <= 0 {
		t.Errorf("epoch %+v, mean loss %v", last, mean)
	}
	if want, err := res.Alphas.Genotype(); err != nil || want != res.Genotype ||
		res.Last.Genotype != want || !res.Genotype.Allowed(c.Net.Mask) {
		t.Errorf("genotype %v, want %v, %v", res.Genotype, want, err)
	}
}

// Partial channels have edge weights, which move with the alphas.
func TestPartialChannels(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	c.Net.Channels, c.Net.Partial = 8, 4
	res, _ := runs(t, c)
	start := c.InitialAlphas()
	if slices.Equal(res.Alphas.Edge(0), start.Edge(0)) ||
		slices.Equal(res.Alphas.Flat(0), start.Flat(0)) {
		t.Error("the alphas or the edge weights did not move")
	}
}

// The state that SGD updates holds no architecture parameter: they live in Go.
func TestAlphasAreNotInTheWeightOptimiser(t *testing.T) {
	p, err := search.Emit(tinyConfig().Spec(8))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Weight.Weights {
		if strings.Contains(e.Name, "mix") || strings.Contains(e.Name, "alpha") {
			t.Errorf("%s is a weight", e.Name)
		}
	}
	for _, o := range p.Weight.Signature.Outputs {
		if strings.HasPrefix(o.Name, "grad/") {
			t.Errorf("the weight step computes %s", o.Name)
		}
	}
}

func TestCancellation(t *testing.T) {
	runtime(t)
	ctx, cancel := context.WithCancel(context.Background())
	r := &recorder{onStep: func(p train.Progress) {
		if p.Epoch == 0 && p.Step == 2 {
			cancel()
		}
	}}
	res, err := search.Run(ctx, tinyConfig(), images(t), nil, r)
	if !errors.Is(err, context.Canceled) || res != nil || len(r.steps) != 2 || len(r.epochs) != 0 {
		t.Errorf("%v after %d steps: %v", res, len(r.steps), err)
	}
}

func TestRecorderErrorEndsTheSearch(t *testing.T) {
	runtime(t)
	r := &recorder{fail: errors.New("the disk is full")}
	_, err := search.Run(context.Background(), tinyConfig(), images(t), nil, r)
	if !errors.Is(err, r.fail) || len(r.epochs) != 1 {
		t.Errorf("%v after %d epochs", err, len(r.epochs))
	}
}

func TestRunErrors(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	c.Batch = 13 // the weights' half has 12 images
	_, err := search.Run(context.Background(), c, images(t), nil, new(recorder))
	check.Error(t, err, "12 images", "no full batch of 13")
	c = tinyConfig()
	c.Rate = 1e20
	_, err = search.Run(context.Background(), c, images(t), nil, new(recorder))
	check.Error(t, err, "search: a weight has grown to ", "in epoch 0: lower the learning rate")
}

// Fit trains weights alone as a search does while it warms up, and gives the same bits again.
func TestFit(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	c.Epochs = 3
	fit := func() (losses []float64, weights []float32) {
		l := check.Must(data.NewLoader(t.Context(), data.LoaderConfig{Set: images(t), Batch: c.Batch, Shuffle: true, Seed: 7,
			Tail: data.TailDrop}))(t)
		defer l.Close()
		layout, w, err := c.Fit(t.Context(), 8, c.InitialWeights, l, func(p train.Progress) {
			if p.Epoch != len(losses)/6 || p.Steps != 6 {
				t.Errorf("step %d is said to be of epoch %d with %d steps", len(losses), p.Epoch, p.Steps)
			}
			losses = append(losses, p.Loss)
		})
		if err != nil || layout.Len() != len(w) {
			t.Fatalf("%d weights, want %d: %v", len(w), layout.Len(), err)
		}
		if slices.Equal(w, c.InitialWeights(layout)) {
			t.Error("the weights have not moved")
		}
		return losses, w
	}
	a, x := fit()
	b, y := fit()
	if !slices.Equal(a, b) || !slices.Equal(x, y) {
		t.Error("a second training differs")
	}
	if len(a) != 18 || stat.Mean(a[12:], nil) >= stat.Mean(a[:6], nil) {
		t.Errorf("losses of three epochs: %v", a)
	}
}
