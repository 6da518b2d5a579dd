package conformance

import (
	"math"
	"sync"
	"testing"

	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search"
)

type searchExpected struct {
	Weights   int
	ValidLoss []float64              `json:"valid_loss"`
	TrainLoss []float64              `json:"train_loss"`
	GradNorm  []float64              `json:"grad_norm"`
	AlphaGrad map[string][][]float64 `json:"alpha_grad"`
	BetaGrad  map[string][]float64   `json:"beta_grad"`
	Logits    [][]float64
	Alphas    map[string][][]float64
	Betas     map[string][]float64
}

func oracleSearch(t *testing.T, c oracleCase) {
	var want searchExpected
	decodeStrict(t, c.Expected, &want)
	far := sync.OnceValue(func() *space.Alphas { return jumps(t, c, want) })
	// The rewrites are exact, so that all of them together stand for each.
	for _, x := range []struct {
		name string
		pass.Lowering
	}{
		{"passes_none", pass.Lowering{Passes: pass.None}},
		{"rewrites", pass.Lowering{Passes: pass.All}},
		{"kernels", pass.Lowering{Target: pass.CPUKernels, Passes: pass.Share | pass.Pools | pass.Mix | pass.Shuffle}},
		{"cuda", pass.Lowering{Target: pass.CUDA, Passes: pass.All}},
	} {
		t.Run(x.name, func(t *testing.T) { searchCase(t, c, want, x.Lowering, far) })
	}
}

// searchCase runs a case with a lowering. far is how far each entry of the first gradient may be off at a kink.
func searchCase(t *testing.T, c oracleCase, want searchExpected, l pass.Lowering, far func() *space.Alphas) {
	spec := c.supernet(t).Spec(c.Batch, c.Image, l)
	programs, err := search.Emit(spec)
	if err != nil {
		t.Fatal(err)
	}
	if got := programs.Weight.Weights.Len(); got != want.Weights {
		t.Errorf("parameters: got %d, want %d", got, want.Weights)
	}
	// The first training logits, before any update of the weights, come from the ranking program: it
	// uses the statistics of the batch and touches no state.
	rank, err := spec.Rank()
	if err != nil {
		t.Fatal(err)
	}
	programs.Eval = rank
	vectors := program.Vectors{Weights: oracleWeights(programs.Weight.Weights)}.Complete(programs.Shape())
	s, err := search.Open(programs, vectors, oracleAlphas(t, c), ort.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if c.Steps > 0 {
		firstGradient(t, c, s, want, far)
		if err := s.Net.Set(vectors); err != nil {
			t.Fatal(err)
		}
	}
	for step := range c.Steps {
		o, err := s.AlphaStep(c.images(201000+step), c.labels(301000+step), c.BetaLambda)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "valid loss", o.Loss, want.ValidLoss[step])
		if step == 0 {
			firstLogits(t, c, s, want)
		}
		if o, err = s.WeightStep(c.images(200000+step), c.labels(300000+step), c.LR); err != nil {
			t.Fatal(err)
		}
		near(t, "train loss", o.Loss, want.TrainLoss[step])
		within(t, "gradient norm", o.Norm, want.GradNorm[step], kinkTolerance)
	}
	compareAlphas(t, "alphas", s.Alphas, want.Alphas, want.Betas, oracleTolerance, nil)
}

func (c oracleCase) supernet(t *testing.T) supernet.Config {
	return supernet.Config{Channels: c.Channels, Cells: c.Cells, Classes: c.Classes, Mask: c.mask(t), Partial: c.Partial}
}

// firstGradient compares the gradient of the architecture parameters at the start. Computing it moves the running
// statistics.
func firstGradient(t *testing.T, c oracleCase, s *search.Steps, want searchExpected, far func() *space.Alphas) {
	if err := s.Gradient(c.images(201000), c.labels(301000), c.BetaLambda); err != nil {
		t.Fatal(err)
	}
	compareAlphas(t, "alpha gradient", s.LastGradient(), want.AlphaGrad, want.BetaGrad, oracleTolerance, far)
}

func firstLogits(t *testing.T, c oracleCase, s *search.Steps, want searchExpected) {
	logits, err := s.Evaluate(c.images(200000))
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range want.Logits {
		for j, y := range row {
			near(t, "logits", float64(logits[i*c.Classes+j]), y)
		}
	}
}

func oracleAlphas(t *testing.T, c oracleCase) *space.Alphas {
	a := space.NewAlphas(c.mask(t), c.Partial > 1)
	for i, ct := range space.DARTS.CellTypes() {
		for e := range space.DARTS.Edges() {
			copy(a.Row(ct, e), fill(100000+100*i+e, len(a.Row(ct, e)), 0.1))
		}
		copy(a.Edge(ct), fill(100200+i, len(a.Edge(ct)), 0.1))
	}
	return a
}

// compareAlphas wants every number within the tolerance. A number that is not may be off by as much more as
// jumps says, if it is given: it is asked only then, because it takes seconds.
func compareAlphas(t *testing.T, what string, a *space.Alphas, ops map[string][][]float64,
	edges map[string][]float64, tolerance float64, jumps func() *space.Alphas) {
	t.Helper()
	compare := func(what string, got, want []float64, of func(*space.Alphas) []float64) {
		t.Helper()
		if len(got) != len(want) {
			t.Errorf("%s: got %d numbers, want %d", what, len(got), len(want))
			return
		}
		for i, x := range want {
			allowed := tolerance * max(1, math.Abs(x))
			if jumps != nil && !(math.Abs(got[i]-x) <= allowed) {
				allowed += of(jumps())[i]
				t.Logf("%s: off by %.2g at a kink, where rounding moves it by %.2g", what, math.Abs(got[i]-x), of(jumps())[i])
			}
			if d := math.Abs(got[i] - x); !(d <= allowed) {
				t.Errorf("%s: got %v, want %v (off by %.2g)", what, got[i], x, d)
			}
		}
	}
	for _, ct := range space.DARTS.CellTypes() {
		for e, want := range ops[ct.String()] {
			compare(what, a.Row(ct, e), want, func(a *space.Alphas) []float64 { return a.Row(ct, e) })
		}
		if want, ok := edges[ct.String()]; ok || a.HasEdgeWeights() {
			compare(what+" of edges", a.Edge(ct), want, func(a *space.Alphas) []float64 { return a.Edge(ct) })
		}
	}
}
