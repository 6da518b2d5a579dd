package prune_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"zos-ort/graphgen/check"
	"zos-ort/prune"
)

func logits(seed uint64, n int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	v := make([]float64, n)
	for i := range v {
		v[i] = 2 + 3*rng.NormFloat64()
	}
	return v
}

// The norms are those of the explicit N x N matrices.
func TestNormIsThatOfTheMatrix(t *testing.T) {
	for _, x := range []struct{ rows, classes int }{{1, 3}, {2, 5}, {12, 3}, {30, 10}, {7, 100}} {
		v := logits(uint64(x.rows), x.rows*x.classes)
		row := func(i int) []float64 { return v[i*x.classes : (i+1)*x.classes] }
		for kernel, entry := range map[prune.Kernel]func(i, j int) float64{
			prune.Correlation: func(i, j int) float64 { return stat.Correlation(row(i), row(j), nil) },
			prune.Gram: func(i, j int) float64 {
				return mat.Dot(mat.NewVecDense(x.classes, row(i)), mat.NewVecDense(x.classes, row(j))) /
					float64(x.classes)
			},
		} {
			square := 0.0
			for i := range x.rows {
				for j := range x.rows {
					square += entry(i, j) * entry(i, j)
				}
			}
			before := slices.Clone(v)
			got, err := kernel.Norm(v, x.classes)
			if err != nil || math.Abs(got-math.Sqrt(square)) > 1e-10*got {
				t.Errorf("%v %s: %v, %v, want %v", x, kernel, got, err, math.Sqrt(square))
			}
			if !slices.Equal(v, before) {
				t.Errorf("%s changed the logits", kernel)
			}
		}
	}
}

// A row without variation correlates with nothing; the others count as before.
func TestConstantRows(t *testing.T) {
	v := logits(3, 12)
	want, err := prune.Correlation.Norm(v, 4)
	if err != nil {
		t.Fatal(err)
	}
	got, err := prune.Correlation.Norm(append(v, 7, 7, 7, 7), 4)
	if err != nil || math.Abs(got-want) > 1e-12 {
		t.Errorf("with a constant row %v, %v, without %v", got, err, want)
	}
	if got, err := prune.Correlation.Norm([]float64{0, 1e-200, 0}, 3); got != 0 || err != nil {
		t.Errorf("nearly constant row: %v, %v, want 0", got, err)
	}
	// The mean of equal numbers may be off by a rounding, which must not pass for a variation.
	for classes := 3; classes < 40; classes++ {
		for _, x := range []float64{.1, 1. / 3, -7.3, 1e5 + .7} {
			got, err := prune.Correlation.Norm(slices.Repeat([]float64{x}, 2*classes), classes)
			if err != nil || got != 0 {
				t.Errorf("%d times %v: norm %v, %v, want 0", classes, x, got, err)
			}
		}
	}
}

func TestNormErrors(t *testing.T) {
	for _, kernel := range []prune.Kernel{prune.Correlation, prune.Gram} {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			_, err := kernel.Norm([]float64{1, 2, 3, 1, bad, 4}, 3)
			check.Error(t, err, "kernel norm: the logits are not finite")
		}
		_, err := kernel.Norm([]float64{1, 2, 3, math.Inf(1), math.Inf(1), math.Inf(1)}, 3)
		check.Error(t, err, "not finite")
		_, err = kernel.Norm([]float64{1, 2, 3}, 2)
		check.Error(t, err, "kernel norm: 3 logits do not make rows of 2 classes")
		_, err = kernel.Norm(nil, 2)
		check.Error(t, err, "0 logits")
		_, err = kernel.Norm([]float64{1}, 1)
		check.Error(t, err, "rows of 1 classes")
	}
}

// The correlation of two logits is 1 or -1: its norm is the number of rows, whatever they are.
func TestTwoLogits(t *testing.T) {
	_, err := prune.Correlation.Norm(logits(1, 8), 2)
	check.Error(t, err, "two logits correlate to 1 or -1 in every network: use 3 or more, or the kernel gram")
	a, b := check.Must(prune.Gram.Norm(logits(1, 8), 2))(t), check.Must(prune.Gram.Norm(logits(2, 8), 2))(t)
	if a == b {
		t.Errorf("the gram kernel gives %v for all logits", a)
	}
}
