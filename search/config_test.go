package search_test

import (
	"math"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/search"
	"zos-ort/search/train"
)

func TestCosine(t *testing.T) {
	for _, x := range []struct {
		e, n int
		want float64
	}{{0, 50, .1}, {25, 50, .05}, {50, 50, 0}, {10, 40, .1 * (1 + math.Sqrt2/2) / 2}, {0, 1, .1}} {
		if got := train.Cosine(.1, x.e, x.n); math.Abs(got-x.want) > 1e-15 {
			t.Errorf("epoch %d of %d: %v, want %v", x.e, x.n, got, x.want)
		}
	}
}

func TestCrossEntropy(t *testing.T) {
	sum, correct := train.CrossEntropy([]float32{0, 0, 1, 3, 2, 2}, []int64{1, 0, 0}, 2)
	want := math.Log(2) + math.Log(1+math.Exp(2)) + math.Log(2)
	if math.Abs(sum-want) > 1e-12 || correct != 1 { // of equal scores the first is the top
		t.Errorf("sum %v, %d correct, want %v, 1", sum, correct, want)
	}
}

// Scores whose exponentials overflow or vanish have finite losses.
func TestCrossEntropyOfLargeScores(t *testing.T) {
	sum, correct := train.CrossEntropy([]float32{1e4, 0, -1e4, 1e4, 0, -1e4}, []int64{0, 2}, 3)
	if sum != 2e4 || correct != 1 {
		t.Errorf("sum %v, %d correct, want 20000, 1", sum, correct)
	}
	sum, correct = train.CrossEntropy([]float32{-3e38, -3e38}, []int64{0}, 2)
	if math.Abs(sum-math.Log(2)) > 1e-12 || correct != 1 {
		t.Errorf("sum %v, %d correct, want log 2, 1", sum, correct)
	}
}

func TestValidate(t *testing.T) {
	if err := tinyConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		change func(c *search.Config)
		want   string
	}{
		{func(c *search.Config) { c.Epochs = 0 }, "at least one epoch and no negative warm-up, got 0"},
		{func(c *search.Config) { c.Warmup = -1 }, "no negative warm-up, got 2 and -1"},
		{func(c *search.Config) { c.Batch = 1 }, "batch norm needs a batch of at least 2, got 1"},
		{func(c *search.Config) { c.Rate = 0 }, "learning rates must be positive, got 0 and"},
		{func(c *search.Config) { c.Rate = math.NaN() }, "must be positive, got NaN"},
		{func(c *search.Config) { c.Alpha = math.Inf(1) }, "must be positive, got 0.05 and +Inf"},
		{func(c *search.Config) { c.Beta = -1 }, "beta regulariser must not be negative, got -1"},
		{func(c *search.Config) { c.Beta = math.NaN() }, "must not be negative, got NaN"},
		{func(c *search.Config) { c.Net.Mask.Put(space.Normal, 0, 0) }, "normal/edge0"},
		{func(c *search.Config) { c.Net.Channels = 3 }, "channels must be even, got 3"},
	} {
		c := tinyConfig()
		x.change(&c)
		check.Error(t, c.Validate(), x.want)
	}
}

func TestInitialAlphas(t *testing.T) {
	c := tinyConfig()
	a, b := c.InitialAlphas(), c.InitialAlphas()
	if !a.Equal(b) || a.HasEdgeWeights() || a.Len() != c.Net.Mask.Count() {
		t.Errorf("%d alphas, edge weights %v", a.Len(), a.HasEdgeWeights())
	}
	c.Seed++
	if c.InitialAlphas().Equal(a) {
		t.Error("another seed gives the same alphas")
	}
	c.Net.Partial = 2
	if a := c.InitialAlphas(); !a.HasEdgeWeights() || a.Len() != c.Net.Mask.Count()+28 {
		t.Errorf("partial channels: %d alphas", a.Len())
	}
}

// The rate of the alphas follows from the number of steps: in the paper's setting it is the paper's,
// shorter searches have higher ones up to a bound, and a given rate stays.
func TestAlphaRate(t *testing.T) {
	c := search.Config{Epochs: 50, Warmup: 15, Batch: 128}
	for _, x := range []struct {
		images, epochs int
		given, want    float64
	}{{50000, 50, 0, 6e-4}, {50000, 50, 1e-3, 1e-3}, {5000, 50, 0, 6e-4 * math.Pow(195./19, 1.5)}, {2000, 17, 0, .1}, {50000, 15, 0, 0}} {
		c.Epochs, c.Alpha = x.epochs, x.given
		if got := c.AlphaRate(x.images); math.Abs(got-x.want) > 1e-12 {
			t.Errorf("%d images, %d epochs: rate %v, want %v", x.images, x.epochs, got, x.want)
		}
	}
	if n := c.AlphaSteps(50000); n != 0 {
		t.Errorf("a search that only warms up has %d alpha steps", n)
	}
}
