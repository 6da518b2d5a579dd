package rank

import (
	"cmp"
	"slices"
)

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
