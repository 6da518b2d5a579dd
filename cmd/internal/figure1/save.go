package figure1

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image/color"
	"strconv"

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
	edges := chart.Bins(s.Bins, groups[0].scores, groups[1].scores)
	bars := chart.HistogramFile(edges, []string{groups[0].name, groups[1].name}, groups[0].scores, groups[1].scores)
	if err := dir.Write(chart.Figure1Histogram, bars); err != nil {
		return err
	}
	drawing, err := s.chart(groups, edges)
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

// scoreName says what is counted.
func (s *Settings) scoreName() string {
	if s.Score == ScoreSurrogate {
		return fmt.Sprintf("validation accuracy after %d epochs, predicted, %%", s.Surrogate.Epoch)
	}
	return "kernel norm of the untrained network"
}

// groupColors has a color per group, in their order.
var groupColors = []color.NRGBA{{30, 100, 180, 255}, {230, 120, 30, 255}}

// chart draws the histograms of both groups over each other, with their densities as lines.
func (s *Settings) chart(groups []group, edges []float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%d architectures with and without Bernoulli(%v) masks", s.Samples, s.Xi)
	p.X.Label.Text, p.Y.Label.Text = s.scoreName(), "density"
	p.Legend.Top, p.Legend.Left = true, true
	for i, g := range groups {
		c := groupColors[i]
		line, err := plotter.NewLine(chart.Density(g.scores, edges))
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = c, vg.Points(1.5)
		c.A = 90
		bars := chart.Histogram(g.scores, edges)
		bars.FillColor, bars.LineStyle.Width = c, 0
		p.Add(bars, line)
		p.Legend.Add(g.name, bars, line)
	}
	return p, nil
}
