// Package stats says how far two orders agree.
package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Ranks are the places of numbers in rising order; equal numbers share the mean of theirs.
func Ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	r := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			r[k] = float64(i+j-1) / 2
		}
		i = j
	}
	return r
}

// Spearman is the correlation of the ranks; NaN if either side is constant.
func Spearman(x, y []float64) float64 { return stat.Correlation(Ranks(x), Ranks(y), nil) }

// Kendall is tau-b, which counts ties; NaN if either side is constant.
func Kendall(x, y []float64) float64 {
	var both, tiesX, tiesY, pairs float64
	for i := range x {
		for j := range i {
			a, b := float64(cmp.Compare(x[i], x[j])), float64(cmp.Compare(y[i], y[j]))
			both += a * b
			tiesX += 1 - math.Abs(a)
			tiesY += 1 - math.Abs(b)
			pairs++
		}
	}
	return both / math.Sqrt((pairs-tiesX)*(pairs-tiesY))
}
