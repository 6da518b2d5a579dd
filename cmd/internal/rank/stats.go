package rank

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// ranks are the places of numbers in rising order; equal numbers share the mean of theirs.
func ranks(x []float64) []float64 {
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

// spearman is the correlation of the ranks; NaN if either side is constant.
func spearman(x, y []float64) float64 { return stat.Correlation(ranks(x), ranks(y), nil) }

// kendall is tau-b, which counts ties; NaN if either side is constant.
func kendall(x, y []float64) float64 {
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

// bestFifth are the places of the highest fifth of a sample, at least two.
func bestFifth(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[b], x[a]) })
	return order[:min(len(x), max(2, len(x)/5))]
}

// at picks elements.
func at(x []float64, places []int) []float64 {
	y := make([]float64, len(places))
	for i, p := range places {
		y[i] = x[p]
	}
	return y
}
