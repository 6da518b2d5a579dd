package prune

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Kernel is an estimate of the NNGP kernel of a network from its logits on N samples.
type Kernel string

// Kernels. Both are N x N matrices of which only the Frobenius norm is used.
const (
	// Correlation is the matrix of correlation coefficients between the logits of the samples
	// (centred per sample over the classes, unit diagonal).
	Correlation Kernel = "correlation"
	// Gram is logits * logits' / classes.
	Gram Kernel = "gram"
)

// LeastCorrelated is the least number of logits whose correlation depends on the network.
const LeastCorrelated = 3

// ParseKernel reads the name of a kernel.
func ParseKernel(s string) (Kernel, error) {
	switch k := Kernel(s); k {
	case Correlation, Gram:
		return k, nil
	}
	return "", fmt.Errorf("unknown kernel %q: use correlation or gram", s)
}

// Norm is the Frobenius norm of the kernel of logits[n][classes], row-major. It never forms the
// N x N matrix: for K = R R' the norm equals the norm of R' R, which is classes x classes.
func (k Kernel) Norm(logits []float64, classes int) (float64, error) {
	if classes < 2 || len(logits) == 0 || len(logits)%classes != 0 {
		return 0, fmt.Errorf("kernel norm: %d logits do not make rows of %d classes", len(logits), classes)
	}
	if k == Correlation && classes < LeastCorrelated {
		return 0, fmt.Errorf("kernel norm: two logits correlate to 1 or -1 in every network: use %d or more, or the "+
			"kernel %s", LeastCorrelated, Gram)
	}
	rows := len(logits) / classes
	r := mat.NewDense(rows, classes, append([]float64(nil), logits...))
	for i := range rows {
		if k == Correlation {
			standardize(r.RawRowView(i))
		}
	}
	var gram mat.SymDense
	gram.SymOuterK(1, r.T())
	norm := mat.Norm(&gram, 2)
	if k == Gram {
		norm /= float64(classes)
	}
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return 0, fmt.Errorf("kernel norm: the logits are not finite")
	}
	return norm, nil
}

// standardize centres a row and scales it to unit length. A constant row has no correlation with
// anything and becomes zero; it is told by its elements, because their mean may be off by a rounding.
func standardize(row []float64) {
	if low := slices.Min(row); low == slices.Max(row) && !math.IsInf(low, 0) {
		clear(row)
		return
	}
	mean := 0.0
	for _, x := range row {
		mean += x / float64(len(row))
	}
	square := 0.0
	for i := range row {
		row[i] -= mean
		square += row[i] * row[i]
	}
	if square == 0 { // differences too small to square
		clear(row)
		return
	}
	scale := 1 / math.Sqrt(square)
	for i := range row {
		row[i] *= scale
	}
}
