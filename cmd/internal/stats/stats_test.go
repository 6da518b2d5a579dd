package stats

import (
	"math"
	"testing"

	"zos-ort/graphgen/check"
)

// Worked examples: Spearman with the formula 1 - 6 sum d^2 / (n (n^2-1)), Kendall by counting pairs.
func TestCorrelations(t *testing.T) {
	x, y := []float64{1, 2, 3, 4, 5}, []float64{2, 1, 4, 3, 50}
	check.Close(t, "spearman", []float64{Spearman(x, y)}, []float64{1 - 6.*4/(5*24)}, 1e-12, 0)
	check.Close(t, "kendall", []float64{Kendall(x, y)}, []float64{(8. - 2) / 10}, 1e-12, 0)
	check.Close(t, "ranks", Ranks([]float64{7, 3, 7, 1}), []float64{2.5, 1, 2.5, 0}, 0, 0)
	// Ties: tau-b of these is (P - Q) / sqrt((n0-n1)(n0-n2)) = 4 / sqrt(5 * 5).
	check.Close(t, "kendall with ties", []float64{Kendall([]float64{1, 1, 2, 3}, []float64{1, 2, 2, 3})},
		[]float64{4. / 5}, 1e-12, 0)
	if r := Spearman([]float64{1, 1, 1}, []float64{1, 2, 3}); !math.IsNaN(r) {
		t.Errorf("a constant correlates at %v", r)
	}
}
