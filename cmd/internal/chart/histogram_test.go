package chart_test

import (
	"math"
	"testing"

	"zos-ort/cmd/internal/chart"
	"zos-ort/graphgen/check"
)

// The file has the edges and the heights of the bars.
func TestHistogramFile(t *testing.T) {
	got := string(chart.HistogramFile([]float64{0, .5, 1}, []string{"a", "b"}, []float64{.1, .2, .9, 1}, []float64{.5}))
	if want := "from,to,a,b\n0,0.5,1,0\n0.5,1,1,2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The histogram has the area 1; the density is that of the distribution that was drawn from.
func TestHistogramAndDensity(t *testing.T) {
	x := check.Normal(3, 20000, 5)
	edges := chart.Bins(80, x)
	area, total := 0., 0
	for _, b := range chart.Histogram(x, edges).Bins {
		area += b.Weight * (b.Max - b.Min)
		total++
	}
	if math.Abs(area-1) > 1e-9 || total != 80 {
		t.Errorf("the %d bars have the area %v", total, area)
	}
	for _, p := range chart.Density(x, edges) {
		want := math.Exp(-(p.X-5)*(p.X-5)/2) / math.Sqrt(2*math.Pi)
		if math.Abs(p.Y-want) > .02 {
			t.Errorf("density %v at %v, want %v", p.Y, p.X, want)
		}
	}
}
