package space

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestMixWeightsAreSoftmaxOfTheRows(t *testing.T) {
	m := DARTS.FullMask()
	m.Put(Normal, 1, SetOf(None, SkipConnect))
	a := NewAlphas(m, false)
	copy(a.Row(Normal, 1), []float64{0, math.Log(3)})
	w := a.MixWeights(nil, Normal)
	wantNear(t, "uniform weight", w[0], 1./8, 1e-15)
	wantNear(t, "weight of none", w[8], .25, 1e-15)
	wantNear(t, "weight of skip_connect", w[9], .75, 1e-15)
	if len(w) != 13*8+2 {
		t.Errorf("%d weights", len(w))
	}
	copy(a.Row(Normal, 1), []float64{-1e300, 1e300})
	if w = a.MixWeights(w, Normal); w[8] != 0 || w[9] != 1 {
		t.Errorf("huge alphas give weights %v and %v", w[8], w[9])
	}
}

func TestEdgeWeightsAreSoftmaxPerNode(t *testing.T) {
	a := NewAlphas(DARTS.FullMask(), true)
	a.Edge(Reduce)[4] = math.Log(2)
	w := a.EdgeWeights(nil, Reduce)
	want := [edges]float64{.5, .5, .25, .25, .5, .25, .25, .25, .25, .2, .2, .2, .2, .2}
	for e := range want {
		wantNear(t, edgePlace(Reduce, e), w[e], want[e], 1e-15)
	}
	if NewAlphas(DARTS.FullMask(), false).EdgeWeights(w, Normal) != nil {
		t.Error("edge weights without edge weights")
	}
}

func TestSumsOfWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAlphas(t)
		for _, cell := range cellTypes {
			wantSum(t, "mixing weights", a.MixWeights(nil, cell), edges)
			if a.HasEdgeWeights() {
				wantSum(t, "edge weights", a.EdgeWeights(nil, cell), nodes)
			}
		}
	})
}

func wantSum(t *rapid.T, what string, w []float64, want float64) {
	sum := 0.0
	for _, v := range w {
		if v <= 0 || v > 1 {
			t.Fatalf("%s: %v is not in (0, 1]", what, v)
		}
		sum += v
	}
	if math.Abs(sum-want) > 1e-12 {
		t.Fatalf("%s add up to %v, want %v", what, sum, want)
	}
}

// loss is a linear function of all weights plus the regulariser. Its gradient comes from
// the backward functions.
type loss struct {
	mix, edge [2][]float64
	lambda    float64
}

func drawLoss(t *rapid.T, a *Alphas) *loss {
	rng := drawRand(t)
	l := &loss{lambda: rng.Float64()}
	normal := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		return v
	}
	for _, cell := range cellTypes {
		l.mix[cell], l.edge[cell] = normal(len(a.Flat(cell))), normal(len(a.Edge(cell)))
	}
	return l
}

func (l *loss) value(t *rapid.T, a *Alphas) float64 {
	sum, err := a.AddBetaRegularizer(a.Like(), l.lambda)
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range cellTypes {
		for i, w := range a.MixWeights(nil, cell) {
			sum += l.mix[cell][i] * w
		}
		for i, w := range a.EdgeWeights(nil, cell) {
			sum += l.edge[cell][i] * w
		}
	}
	return sum
}

func (l *loss) gradient(t *rapid.T, a *Alphas) *Alphas {
	grad := a.Like()
	_, err := a.AddBetaRegularizer(grad, l.lambda)
	for _, cell := range cellTypes {
		if err == nil {
			err = a.MixBackward(grad, cell, l.mix[cell])
		}
		if err == nil {
			err = a.EdgeBackward(grad, cell, l.edge[cell])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return grad
}

// Every single entry against central differences; h = 1e-5 leaves an error of about h^2 = 1e-10 of
// the third derivatives, and of 1e-16/h = 1e-11 of rounding.
func TestBackwardByFiniteDifferences(t *testing.T) {
	const h, tolerance = 1e-5, 1e-8
	rapid.Check(t, func(t *rapid.T) {
		a := drawAlphas(t)
		l := drawLoss(t, a)
		grad := l.gradient(t, a)
		v := a.Vector()
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(v)-1), 12, 12).Draw(t, "entries") {
			x := v[i]
			v[i] = x + h
			up := l.value(t, a)
			v[i] = x - h
			down := l.value(t, a)
			v[i] = x
			if got, want := grad.Vector()[i], (up-down)/(2*h); math.Abs(got-want) > tolerance {
				t.Fatalf("entry %d of %d: gradient %v, differences %v", i, len(v), got, want)
			}
		}
	})
}

// Backward adds: twice the call is twice the gradient.
func TestBackwardAccumulates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAlphas(t)
		l := drawLoss(t, a)
		once, twice := l.gradient(t, a), l.gradient(t, a)
		if _, err := a.AddBetaRegularizer(twice, l.lambda); err != nil {
			t.Fatal(err)
		}
		for _, cell := range cellTypes {
			_ = a.MixBackward(twice, cell, l.mix[cell])
			_ = a.EdgeBackward(twice, cell, l.edge[cell])
		}
		for i, g := range once.Vector() {
			if math.Abs(twice.Vector()[i]-2*g) > 1e-12 {
				t.Fatalf("entry %d: %v after two calls, %v after one", i, twice.Vector()[i], g)
			}
		}
	})
}

// With zero alphas on the full mask the value is 2 lambda ln 8 and every gradient
// lambda/14/8; the edge weights have none.
func TestBetaRegularizerOfZeros(t *testing.T) {
	a := NewAlphas(DARTS.FullMask(), true)
	grad := a.Like()
	value, err := a.AddBetaRegularizer(grad, 3)
	if err != nil {
		t.Fatal(err)
	}
	wantNear(t, "value", value, 6*math.Log(8), 1e-14)
	for i, g := range grad.Vector() {
		want := 3. / 14 / 8
		if i >= 224 {
			want = 0
		}
		wantNear(t, "gradient", g, want, 1e-16)
	}
}

func TestEntropy(t *testing.T) {
	m := DARTS.FullMask()
	m.Put(Normal, 0, SetOf(SkipConnect))
	a := NewAlphas(m, false)
	wantNear(t, "entropy of equals", a.RowEntropy(Normal, 1), math.Log(8), 1e-14)
	wantNear(t, "entropy of one operation", a.RowEntropy(Normal, 0), 0, 0)
	wantNear(t, "mean entropy", a.Entropy(Normal), 13./14*math.Log(8), 1e-14)
	a.Row(Reduce, 2)[3] = 1e6
	wantNear(t, "entropy of a decided row", a.RowEntropy(Reduce, 2), 0, 0)
}

func TestBackwardRefusesOtherLayouts(t *testing.T) {
	a, b := NewAlphas(DARTS.FullMask(), true), NewAlphas(DARTS.FullMask().Drop(None), true)
	_, err := a.AddBetaRegularizer(b, 1)
	for _, err := range []error{
		err,
		a.MixBackward(b, Normal, make([]float64, 112)),
		a.EdgeBackward(b, Normal, make([]float64, 14)),
	} {
		wantError(t, err, "224", "252")
	}
	wantError(t, a.MixBackward(a.Like(), Reduce, make([]float64, 98)), "98", "wants 112", "reduce")
	wantError(t, a.EdgeBackward(a.Like(), Normal, nil), "0", "wants 14", "normal")
}

// STYLE 9: the step loop allocates nothing.
func TestMixingAllocatesNothing(t *testing.T) {
	a := NewAlphas(DARTS.FullMask(), true)
	grad := a.Like()
	mix, edge := a.MixWeights(nil, Normal), a.EdgeWeights(nil, Normal)
	allocations := testing.AllocsPerRun(10, func() {
		mix, edge = a.MixWeights(mix, Normal), a.EdgeWeights(edge, Normal)
		_ = a.MixBackward(grad, Normal, mix)
		_ = a.EdgeBackward(grad, Normal, edge)
		_, _ = a.AddBetaRegularizer(grad, 1)
	})
	if allocations != 0 {
		t.Errorf("%v allocations in a step", allocations)
	}
}

// A small step of the decay is one against the gradient of the regulariser, but for the mean of every
// row, and lowers the regulariser.
func TestDecayBeta(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAlphas(t)
		grad, moved := a.Like(), a.Clone()
		before, _ := a.AddBetaRegularizer(grad, 1)
		const step = 1e-3
		moved.DecayBeta(step)
		for _, cell := range cellTypes {
			for e := range edges {
				row, g, was := moved.Row(cell, e), grad.Row(cell, e), a.Row(cell, e)
				mean := 0.
				for i := range g {
					mean += g[i] / float64(len(g))
				}
				for i := range row {
					if want := was[i] - step*(g[i]-mean); math.Abs(row[i]-want) > 1e-12*(1+math.Abs(was[i])) {
						t.Fatalf("edge %d: %v became %v, want %v", e, was[i], row[i], want)
					}
				}
			}
		}
		if after, _ := moved.AddBetaRegularizer(moved.Like(), 1); after > before+1e-12*math.Abs(before) {
			t.Fatalf("the regulariser rises from %v to %v", before, after)
		}
	})
}
