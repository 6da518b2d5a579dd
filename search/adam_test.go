package search_test

import (
	"math"
	"slices"
	"testing"

	"zos-ort/search"
)

// The steps of torch.optim.Adam, written out for one number: the bias corrections divide the
// moments, weight decay enters the gradient, epsilon comes after the correction.
func TestAdamByHand(t *testing.T) {
	const rate, b1, b2, eps, decay = 6e-4, .5, .999, 1e-8, 1e-3
	grads := [][]float64{{.3, -2}, {-.1, 0}, {1e-4, 5}, {0, 1e-9}}
	a, x := search.PaperAdam(2), []float64{.5, -1e-3}
	want := slices.Clone(x)
	var m, v [2]float64
	for n, grad := range grads {
		for i := range want {
			g := grad[i] + decay*want[i]
			m[i] = b1*m[i] + (1-b1)*g
			v[i] = b2*v[i] + (1-b2)*g*g
			mHat := m[i] / (1 - math.Pow(b1, float64(n+1)))
			vHat := v[i] / (1 - math.Pow(b2, float64(n+1)))
			want[i] -= rate * mHat / (math.Sqrt(vHat) + eps)
		}
		a.Update(x, slices.Clone(grad))
		for i := range want {
			if math.Abs(x[i]-want[i]) > 1e-15 {
				t.Errorf("step %d: x[%d] = %v, want %v", n+1, i, x[i], want[i])
			}
		}
	}
	if a.State.Step != 4 || math.Abs(a.State.M[1]-m[1]) > 1e-15 ||
		math.Abs(a.State.V[1]-v[1]) > 1e-15 {
		t.Errorf("state %+v, want moments %v and %v", a.State, m, v)
	}
}

// The first step goes by the learning rate against the sign of the gradient, whatever its size.
func TestAdamFirstStep(t *testing.T) {
	a, x := search.PaperAdam(3), []float64{0, 0, 0}
	a.Update(x, []float64{1e3, -1e-3, 0})
	for i, want := range []float64{-6e-4, 6e-4, 0} {
		if math.Abs(x[i]-want) > 1e-8 {
			t.Errorf("x[%d] = %v, want %v", i, x[i], want)
		}
	}
}

// Weight decay alone pulls towards zero.
func TestAdamWeightDecay(t *testing.T) {
	a, x := search.PaperAdam(2), []float64{1, -1}
	for range 10 {
		a.Update(x, []float64{0, 0})
	}
	if !(x[0] < 1 && x[0] > .99) || x[1] != -x[0] {
		t.Errorf("after ten steps without gradient: %v", x)
	}
}

// Going on from a saved state gives the same bits.
func TestAdamResumes(t *testing.T) {
	a, x := search.PaperAdam(1), []float64{1}
	a.Update(x, []float64{.5})
	b, y := search.PaperAdam(1), slices.Clone(x)
	b.State = search.AdamState{M: slices.Clone(a.State.M), V: slices.Clone(a.State.V),
		Step: a.State.Step}
	a.Update(x, []float64{-.25})
	b.Update(y, []float64{-.25})
	if x[0] != y[0] {
		t.Errorf("%v and %v", x, y)
	}
}
