package figure1

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"zos-ort/cmd/internal/chart"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
)

// save writes everything but config.json.
func (s *Settings) save(dir rundir.Dir, groups []group, res Result) error {
	if err := dir.WriteJSON("summary.json", res); err != nil {
		return err
	}
	for i, m := range groups[1].masks {
		if err := dir.WriteJSON(fmt.Sprintf("masks/mask-%03d.json", i), m); err != nil {
			return err
		}
	}
	samples, err := samplesCSV(groups)
	if err != nil {
		return err
	}
	if err := dir.Write("samples.csv", samples); err != nil {
		return err
	}
	drawing, err := s.chart(groups)
	if err != nil {
		return fmt.Errorf("figure 1: %w", err)
	}
	return chart.Write(dir, "figure1", drawing)
}

// samplesCSV lists the architectures; the code is read by space.ParseNB301.
func samplesCSV(groups []group) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"group", "mask", "nb301_code", "score"})
	for _, g := range groups {
		for i, arch := range g.archs {
			code, err := arch.NB301()
			if err != nil {
				return nil, err
			}
			mask := ""
			if len(g.masks) > 0 {
				mask = strconv.Itoa(i % len(g.masks))
			}
			_ = w.Write([]string{g.name, mask, code.String(), terminal.Number(g.scores[i])})
		}
	}
	w.Flush()
	return b.Bytes(), nil
}

// groupColors has a color per group, in their order.
var groupColors = []color.NRGBA{{30, 100, 180, 255}, {230, 120, 30, 255}}

// chart draws the histograms of both groups over each other, with their densities as lines.
func (s *Settings) chart(groups []group) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%d architectures with and without Bernoulli(%v) masks", s.Samples, s.Xi)
	p.X.Label.Text, p.Y.Label.Text = "kernel norm of the untrained network", "density"
	if s.Score == ScoreSurrogate {
		p.X.Label.Text = fmt.Sprintf("validation accuracy after %d epochs, predicted, %%", s.Surrogate.Epoch)
	}
	p.Legend.Top, p.Legend.Left = true, true
	edges := binEdges(groups, s.Bins)
	for i, g := range groups {
		c := groupColors[i]
		line, err := plotter.NewLine(density(g.scores, edges))
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = c, vg.Points(1.5)
		c.A = 90
		bars := histogram(g.scores, edges)
		bars.FillColor, bars.LineStyle.Width = c, 0
		p.Add(bars, line)
		p.Legend.Add(g.name, bars, line)
	}
	return p, nil
}

// binEdges divides the range of all scores into bins.
func binEdges(groups []group, bins int) []float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, g := range groups {
		low, high = min(low, slices.Min(g.scores)), max(high, slices.Max(g.scores))
	}
	if low == high { // one bin's width around the only score
		low, high = low-.5, high+.5
	}
	edges := make([]float64, bins+1)
	for i := range edges {
		edges[i] = low + (high-low)*float64(i)/float64(bins)
	}
	return edges
}

// histogram has bars of total area 1.
func histogram(x, edges []float64) *plotter.Histogram {
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

// density is the Gaussian kernel estimate of the density at the edges, with Silverman's bandwidth
// .9 min(deviation, quartile range / 1.34) n^(-1/5), at least half a bin.
func density(x, edges []float64) plotter.XYs {
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
