package rank

import (
	"math"
	"testing"

	"zos-ort/cmd/internal/archs"
	"zos-ort/prune/proxy"
)

func TestBestFifth(t *testing.T) {
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
