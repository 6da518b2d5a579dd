package dataparallel

import (
	"fmt"
	"image/color"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"zos-ort/cmd/internal/chart"
	"zos-ort/cmd/internal/rundir"
)

var colors = []color.Color{color.RGBA{20, 60, 130, 255}, color.RGBA{230, 120, 30, 255}, color.RGBA{60, 140, 60, 255},
	color.RGBA{150, 60, 150, 255}}

// drawRanks draws the efficiency against the number of ranks: lines that are predicted, dots that were measured here, and rings where
// the model expects these.
func drawRanks(list []Result, dir rundir.Dir) error {
	p, err := efficiency(list)
	if err != nil {
		return fmt.Errorf("chart of ranks: %w", err)
	}
	return chart.Write(dir, "ranks", p)
}

func efficiency(list []Result) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "Steps of a search on several ranks"
	p.X.Label.Text, p.Y.Label.Text = "ranks", "images a second of a rank, over those of one rank alone"
	p.X.Scale, p.X.Min, p.X.Max = plot.LogScale{}, 1, 1
	p.Y.Min, p.Y.Max = 0, 1.05
	p.Add(plotter.NewGrid())
	marked := map[int]bool{}
	var ticks plot.ConstantTicks
	at := func(q Point) plotter.XY {
		if !marked[q.Ranks] {
			marked[q.Ranks] = true
			ticks = append(ticks, plot.Tick{Value: float64(q.Ranks), Label: strconv.Itoa(q.Ranks)})
		}
		return plotter.XY{X: float64(q.Ranks), Y: q.Efficiency}
	}
	for i, x := range list {
		var dots, rings plotter.XYs
		for _, m := range x.Measured {
			dots = append(dots, at(m.Point))
			rings = append(rings, plotter.XY{X: float64(m.Ranks), Y: m.Efficiency * m.Seconds / m.Model})
		}
		measured, err := plotter.NewScatter(dots)
		if err != nil {
			return nil, err
		}
		measured.Color, measured.Radius, measured.Shape = colors[i%len(colors)], vg.Points(3.5), draw.CircleGlyph{}
		expected, err := plotter.NewScatter(rings)
		if err != nil {
			return nil, err
		}
		expected.Color, expected.Radius, expected.Shape = colors[i%len(colors)], vg.Points(6), draw.RingGlyph{}
		p.Add(measured, expected)
		p.Legend.Add(x.Method+", measured here", measured)
		p.Legend.Add(x.Method+", by the model", expected)
		lines := map[string]plotter.XYs{}
		var names []string
		for _, f := range x.Forecasts {
			if lines[f.Network] == nil {
				names = append(names, f.Network)
			}
			lines[f.Network] = append(lines[f.Network], at(f.Point))
		}
		for j, name := range names {
			line, err := plotter.NewLine(lines[name])
			if err != nil {
				return nil, err
			}
			line.Color, line.Width = colors[i%len(colors)], vg.Points(1.5)
			if j > 0 {
				line.Dashes = []vg.Length{vg.Points(float64(2 + 4*j)), vg.Points(3)}
			}
			p.Add(line)
			p.Legend.Add(fmt.Sprintf("%s, %s, predicted", x.Method, name), line)
		}
	}
	p.X.Tick.Marker = ticks
	return p, nil
}
