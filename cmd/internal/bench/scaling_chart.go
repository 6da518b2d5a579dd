package bench

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"zos-ort/cmd/internal/chart"
	"zos-ort/cmd/internal/rundir"
)

var scalingColors = []color.Color{color.RGBA{20, 60, 130, 255}, color.RGBA{80, 150, 230, 255},
	color.RGBA{230, 120, 30, 255}, color.RGBA{60, 140, 60, 255}}

// drawScaling draws how everything grows along a dimension, relative to the smallest size, with
// logarithmic axes: linear growth is parallel to the dashed line.
func drawScaling(d Dimension, points []scalingPoint, dir rundir.Dir) error {
	drawing, err := scalingChart(d, points)
	if err != nil {
		return fmt.Errorf("chart of %s: %w", d.name, err)
	}
	return chart.Write(dir, "scaling-"+d.name, drawing)
}

func scalingChart(d Dimension, points []scalingPoint) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "Cost against " + d.name
	p.X.Label.Text, p.Y.Label.Text = d.unit, "times that of the smallest"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.Legend.Top, p.Legend.Left = true, true
	first, last := points[0], points[len(points)-1]
	top := float64(last.Value) / float64(first.Value)
	reference, err := plotter.NewLine(plotter.XYs{{X: float64(first.Value), Y: 1},
		{X: float64(last.Value), Y: top}})
	if err != nil {
		return nil, err
	}
	reference.Dashes = []vg.Length{vg.Points(4), vg.Points(4)}
	p.Add(plotter.NewGrid(), reference)
	p.Legend.Add("linear", reference)
	for i, q := range quantities {
		var xys plotter.XYs
		for _, one := range points {
			y := q.of(one) / q.of(first)
			xys = append(xys, plotter.XY{X: float64(one.Value), Y: y})
			top = max(top, y)
		}
		line, dots, err := plotter.NewLinePoints(xys)
		if err != nil {
			return nil, err
		}
		line.Color, dots.Color, line.Width = scalingColors[i], scalingColors[i], vg.Points(1.5)
		p.Add(line, dots)
		p.Legend.Add(fmt.Sprintf("%s, exponent %.2f", q.name, growthOf(d, q, points).Exponent), line)
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = valueTicks(points), powerTicks(top)
	return p, nil
}

// valueTicks marks the sizes that were measured.
func valueTicks(points []scalingPoint) (t plot.ConstantTicks) {
	for _, p := range points {
		t = append(t, plot.Tick{Value: float64(p.Value), Label: strconv.Itoa(p.Value)})
	}
	return t
}

// powerTicks marks the powers of two up to top.
func powerTicks(top float64) (t plot.ConstantTicks) {
	for v := 1.; v < 2*top && !math.IsInf(v, 0); v *= 2 {
		t = append(t, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', -1, 64)})
	}
	return t
}
