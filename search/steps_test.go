package search_test

import (
	"math"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search"
)

// opened is a supernet in the runtime with a batch for it.
func opened(t *testing.T, c search.Config) (s *search.Steps, x []float32, y []int64) {
	t.Helper()
	runtime(t)
	p, err := search.Emit(c.Spec(8))
	if err != nil {
		t.Fatal(err)
	}
	w := make([]float32, p.Weight.Weights.Len())
	for i := range w {
		w[i] = float32(math.Sin(float64(i)))
	}
	s, err = search.Open(p, program.Vectors{Weights: w}, c.InitialAlphas(), c.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	x, y = make([]float32, c.Batch*3*8*8), make([]int64, c.Batch)
	for i := range x {
		x[i] = float32(math.Cos(float64(i * i)))
	}
	for i := range y {
		y[i] = int64(i)
	}
	return s, x, y
}

// A step allocates nothing on the Go side.
func TestStepsAllocateNothing(t *testing.T) {
	c := tinyConfig()
	c.Net.Channels, c.Net.Partial = 8, 4
	s, x, y := opened(t, c)
	for name, step := range map[string]func() error{
		"weight step": func() error { _, err := s.WeightStep(x, y, .01); return err },
		"alpha step":  func() error { _, err := s.AlphaStep(x, y, .5); return err },
		"evaluation":  func() error { _, err := s.Evaluate(x); return err },
	} {
		n := math.Inf(1)
		for range 4 { // the least counts: what other goroutines allocate, such as those of the collector, is none of a step's
			n = min(n, testing.AllocsPerRun(5, func() {
				if err := step(); err != nil {
					t.Fatal(err)
				}
			}))
		}
		if n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

// The gradient of the alphas is the slope of the loss: checked along itself, by small steps, with
// batch statistics, which both steps of the pair see alike.
func TestGradientIsTheSlope(t *testing.T) {
	for _, partial := range []int{1, 4} {
		c := tinyConfig()
		c.Net.Channels, c.Net.Partial = 8, partial
		s, x, y := opened(t, c)
		a := s.Alphas.Vector()
		for i := range a { // away from uniform
			a[i] = math.Sin(float64(3 * i))
		}
		if err := s.Gradient(x, y, 0); err != nil {
			t.Fatal(err)
		}
		g := append([]float64(nil), s.LastGradient().Vector()...)
		square := 0.0
		for _, v := range g {
			square += v * v
		}
		norm := math.Sqrt(square)
		loss := func(h float64) float64 {
			for i, v := range g {
				a[i] += h * v / norm
			}
			defer func() {
				for i, v := range g {
					a[i] -= h * v / norm
				}
			}()
			o, err := s.WeightStep(x, y, 0) // rate 0: the weights stay
			if err != nil {
				t.Fatal(err)
			}
			return o.Loss
		}
		const h = 3e-4
		// The kinks of the net move the slope by some percent at any step that float32 resolves: with our
		// kernels and without, the gradients agree to 5e-6 and the slopes to 1e-2. The float64 tests of
		// the nets are strict.
		if slope := (loss(h) - loss(-h)) / (2 * h); math.Abs(slope-norm) > .05*norm || norm < .1 {
			t.Errorf("1/%d channels: slope %v, gradient norm %v", partial, slope, norm)
		}
	}
}

// The regulariser adds its own gradient and leaves the reported loss alone.
func TestBetaRegularizer(t *testing.T) {
	s, x, y := opened(t, tinyConfig())
	if err := s.Gradient(x, y, 0); err != nil {
		t.Fatal(err)
	}
	want := s.LastGradient().Clone()
	if _, err := s.Alphas.AddBetaRegularizer(want, 2); err != nil {
		t.Fatal(err)
	}
	if err := s.Gradient(x, y, 2); err != nil {
		t.Fatal(err)
	}
	if !s.LastGradient().Equal(want) {
		t.Error("the gradients differ from loss plus regulariser")
	}
}

// A decoupled regulariser takes a step of its own after Adam's, so that Adam sees the loss alone; the
// coupled one is in Adam's gradient.
func TestDecoupledRegularizer(t *testing.T) {
	const lambda = 2
	for _, form := range []method.BetaForm{method.Coupled, method.Decoupled} {
		s, x, y := opened(t, tinyConfig())
		s.Form = form
		want := s.Alphas.Clone()
		adam := search.PaperAdam(want.Len())
		in := 0.
		if form == method.Coupled {
			in = lambda
		}
		if err := s.Gradient(x, y, in); err != nil {
			t.Fatal(err)
		}
		adam.Update(want.Vector(), s.LastGradient().Clone().Vector())
		if form == method.Decoupled {
			want.DecayBeta(adam.Rate * lambda)
		}
		if _, err := s.AlphaStep(x, y, lambda); err != nil {
			t.Fatal(err)
		}
		if !s.Alphas.Equal(want) {
			t.Errorf("%s: the alphas are not those of the definition", form)
		}
	}
}

func TestStepErrors(t *testing.T) {
	c := tinyConfig()
	s, x, y := opened(t, c)
	_, err := s.WeightStep(x[1:], y, .1)
	check.Error(t, err, "weight_step: batch has 767 numbers, the program takes 768")
	_, err = s.AlphaStep(x, y[1:], 0)
	check.Error(t, err, "alpha_step: batch has 3 labels, the program takes 4")
	p, err := search.Emit(c.Spec(8))
	if err != nil {
		t.Fatal(err)
	}
	_, err = search.Open(p, program.Vectors{Weights: make([]float32, 3)}, c.InitialAlphas(),
		ort.Options{})
	check.Error(t, err, "state weights: needs", "got 3")
	other := c
	other.Net.Mask = space.DARTS.FullMask()
	_, err = search.Open(p, program.Vectors{}, other.InitialAlphas(), c.Options)
	check.Error(t, err, "search: weight_step mixes", "operations of the normal cell, the alphas have 98")
	swapped := search.Programs{Weight: p.Weight, Alpha: p.Weight, Eval: p.Alpha}
	_, err = search.Open(swapped, program.Vectors{}, c.InitialAlphas(), c.Options)
	check.Error(t, err, "alpha_step: needs a port of role logits, has none")
	p.Eval = nil
	s, err = search.Open(p, program.Vectors{}, c.InitialAlphas(), ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Evaluate(x)
	check.Error(t, err, "search: the program was not opened")
}
