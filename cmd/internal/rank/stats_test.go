package rank

import (
	"math"
	"testing"

	"zos-ort/cmd/internal/archs"
	"zos-ort/graphgen/check"
	"zos-ort/prune/proxy"
)

// Worked examples: Spearman with the formula 1 - 6 sum d^2 / (n (n^2-1)), Kendall by counting pairs.
func TestCorrelations(t *testing.T) {
	x, y := []float64{1, 2, 3, 4, 5}, []float64{2, 1, 4, 3, 50}
	check.Close(t, "spearman", []float64{spearman(x, y)}, []float64{1 - 6.*4/(5*24)}, 1e-12, 0)
	check.Close(t, "kendall", []float64{kendall(x, y)}, []float64{(8. - 2) / 10}, 1e-12, 0)
	check.Close(t, "ranks", ranks([]float64{7, 3, 7, 1}), []float64{2.5, 1, 2.5, 0}, 0, 0)
	// Ties: tau-b of these is (P - Q) / sqrt((n0-n1)(n0-n2)) = 4 / sqrt(5 * 5).
	check.Close(t, "kendall with ties", []float64{kendall([]float64{1, 1, 2, 3}, []float64{1, 2, 2, 3})},
		[]float64{4. / 5}, 1e-12, 0)
	if r := spearman([]float64{1, 1, 1}, []float64{1, 2, 3}); !math.IsNaN(r) {
		t.Errorf("a constant correlates at %v", r)
	}
	if best := bestFifth([]float64{3, 9, 1, 7, 8, 0, 2, 4, 5, 6}); len(best) != 2 || best[0] != 1 || best[1] != 4 {
		t.Errorf("best fifth %v", best)
	}
}

// Architectures without a score are the worst, and tie.
func TestWithoutScore(t *testing.T) {
	scores := [][]float64{{3, math.Inf(-1), 2, math.Inf(-1)}, {3, 1, 2, math.Inf(-1)}}
	v, mean, err := (&Settings{}).verdict(proxy.Proxy{Name: "x"}, scores, []float64{90, 10, 80, 10}, &archs.File{}, []int{0, 1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if v.Without != 2 || *v.Spearman != 1 || *v.Kendall != 1 || !math.IsInf(mean[1], -1) {
		t.Errorf("%+v, means %v", v, mean)
	}
}
