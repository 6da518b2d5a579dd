package chart

import (
	"math"
	"slices"

	"zos-ort/cmd/internal/terminal"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
	"gonum.org/v1/plot/plotter"
)

// Bins divides the range of all samples into bins and returns their n+1 edges.
func Bins(n int, samples ...[]float64) []float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range samples {
		low, high = min(low, slices.Min(s)), max(high, slices.Max(s))
	}
	if low == high { // one bin's width around the only score
		low, high = low-.5, high+.5
	}
	edges := make([]float64, n+1)
	for i := range edges {
		edges[i] = low + (high-low)*float64(i)/float64(n)
	}
	return edges
}

// Histogram has bars of total area 1.
func Histogram(x, edges []float64) *plotter.Histogram {
	bins := len(edges) - 1
	width := (edges[bins] - edges[0]) / float64(bins)
	h := &plotter.Histogram{Width: width, LineStyle: plotter.DefaultLineStyle}
	for i := range bins {
		h.Bins = append(h.Bins, plotter.HistogramBin{Min: edges[i], Max: edges[i+1]})
	}
	for _, v := range x {
		i := min(int((v-edges[0])/width), bins-1) // the last bin includes its end
		h.Bins[i].Weight += 1 / (float64(len(x)) * width)
	}
	return h
}

// HistogramFile is a table of histograms for programs that draw them again: the heights of the bars of every sample by
// bin, from one edge to the next.
func HistogramFile(edges []float64, names []string, samples ...[]float64) []byte {
	rows := [][]string{append([]string{"from", "to"}, names...)}
	for i := range len(edges) - 1 {
		rows = append(rows, []string{terminal.Number(edges[i]), terminal.Number(edges[i+1])})
	}
	for _, x := range samples {
		for i, b := range Histogram(x, edges).Bins {
			rows[i+1] = append(rows[i+1], terminal.Number(b.Weight))
		}
	}
	return terminal.CSV(rows)
}

// Density is the Gaussian kernel estimate of the density at the edges, with Silverman's bandwidth
// .9 min(deviation, quartile range / 1.34) n^(-1/5), at least half a bin.
func Density(x, edges []float64) plotter.XYs {
	sorted := slices.Sorted(slices.Values(x))
	quartiles := stat.Quantile(.75, stat.LinInterp, sorted, nil) - stat.Quantile(.25, stat.LinInterp, sorted, nil)
	width := .9 * min(stat.StdDev(x, nil), quartiles/1.34) * math.Pow(float64(len(x)), -.2)
	kernel := distuv.Normal{Sigma: max(width, (edges[1]-edges[0])/2)}
	curve := make(plotter.XYs, len(edges))
	for i, at := range edges {
		sum := 0.
		for _, v := range x {
			sum += kernel.Prob(at - v)
		}
		curve[i] = plotter.XY{X: at, Y: sum / float64(len(x))}
	}
	return curve
}
