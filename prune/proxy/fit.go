package proxy

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// ridges are the penalties that nngpFit tries, as parts of the kernel's mean diagonal.
var ridges = []float64{1e-3, 1e-2, .1, 1, 10}

// nngpFit is how well the kernel of the untrained network predicts labels: the variance of the labels over the
// squared error of kernel ridge regression, both with each image left out in turn, with the penalty for which it
// is largest. The labels are one-hot. Park et al. classify held-out images by the kernel; the error here takes
// its place because a few dozen images have few accuracies.
func nngpFit(s *Sample) (float64, error) {
	x, y := s.features(), s.oneHot()
	n, _ := x.Dims()
	if n < 3 {
		return 0, fmt.Errorf("nngp_fit: a prediction needs 3 images, got %d", n)
	}
	k := mat.NewSymDense(n, nil)
	k.SymOuterK(1, x)
	mean := mat.Trace(k) / float64(n)
	for i := range n { // a constant feature, which stands for the mean of the labels
		for j := range i + 1 {
			k.SetSym(i, j, k.At(i, j)+mean)
		}
	}
	var eig mat.EigenSym
	if !(mean > 0) || !eig.Factorize(k, true) {
		return 0, fmt.Errorf("nngp_fit: the logits of all images are equal or not finite")
	}
	least := math.Inf(1)
	for _, r := range ridges {
		least = min(least, leftOut(&eig, y, r*mean))
	}
	return finite("nngp_fit", leftOutMean(y)/least)
}

// features are the logits of all batches, [images, outputs], less their mean over the images.
func (s *Sample) features() *mat.Dense {
	all := s.allLogits()
	x := mat.NewDense(len(all)/s.Classes, s.Classes, all)
	rows, columns := x.Dims()
	column := make([]float64, rows)
	for j := range columns {
		mean := stat.Mean(mat.Col(column, j, x), nil)
		for i := range rows {
			x.Set(i, j, x.At(i, j)-mean)
		}
	}
	return x
}

// oneHot is [images, labels that occur].
func (s *Sample) oneHot() *mat.Dense {
	columns := map[int64]int{}
	for _, l := range s.Labels {
		if _, known := columns[l]; !known {
			columns[l] = len(columns)
		}
	}
	y := mat.NewDense(len(s.Labels), len(columns), nil)
	for i, l := range s.Labels {
		y.Set(i, columns[l], 1)
	}
	return y
}

// leftOut is the mean squared error of predictions of every row of y from the others: the residual of the fit to
// all rows over 1 - H_ii, where H = K (K + ridge)^-1 (Rasmussen and Williams, Gaussian Processes for Machine
// Learning, section 5.4.2).
func leftOut(eig *mat.EigenSym, y *mat.Dense, ridge float64) float64 {
	var u, scaled, h, fit mat.Dense
	eig.VectorsTo(&u)
	n, _ := u.Dims()
	scaled.CloneFrom(&u)
	for j, v := range eig.Values(nil) {
		v = max(v, 0) // rounding may leave a small negative one
		for i := range n {
			scaled.Set(i, j, u.At(i, j)*v/(v+ridge))
		}
	}
	h.Mul(&scaled, u.T())
	fit.Mul(&h, y)
	fit.Sub(y, &fit)
	sum := 0.
	for i := range n {
		norm := mat.Norm(fit.RowView(i), 2) / (1 - h.At(i, i))
		sum += norm * norm / float64(n)
	}
	return sum
}

// leftOutMean is the same error of predictions by the mean of the other rows.
func leftOutMean(y *mat.Dense) (sum float64) {
	n, columns := y.Dims()
	column := make([]float64, n)
	for j := range columns {
		f := float64(n) / float64(n-1)
		sum += stat.PopVariance(mat.Col(column, j, y), nil) * f * f
	}
	return sum
}
