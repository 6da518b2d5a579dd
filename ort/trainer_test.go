package ort

import (
	"math"
	"slices"
	"testing"
)

func near(a, b, tol float32) bool { return math.Abs(float64(a-b)) <= float64(tol) }

func TestMomentumConverges(t *testing.T) {
	start(t)
	f := newFit(t, Options{Threads: 1})
	defer f.close()
	if got, want := f.trainer.InputNames(), []string{"x", "y", "rate"}; !slices.Equal(got, want) {
		t.Errorf("inputs %v, want %v", got, want)
	}
	if got, want := f.trainer.OutputNames(), []string{"loss", "w_done", "m_done"}; !slices.Equal(got, want) {
		t.Errorf("outputs %v, want %v", got, want)
	}
	ok(t, f.step.Run())
	first := f.loss.Float32()[0]
	for range 300 {
		ok(t, f.step.Run())
	}
	if last := f.loss.Float32()[0]; last > 1e-6 || first < .1 {
		t.Errorf("loss went from %g to %g", first, last)
	}
	for i, w := range f.get(t, "w") {
		if !near(w, target[i], 1e-3) {
			t.Errorf("w[%d] = %g, want %g", i, w, target[i])
		}
	}
}
