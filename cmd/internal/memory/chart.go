package memory

import (
	"fmt"
	"image/color"
	"maps"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"zos-ort/cmd/internal/chart"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/plan"
)

// chartColumns is how many positions of a schedule are drawn; it has thousands.
const chartColumns = 600

// Draw writes, for every program of every row, the live bytes over the schedule as PNG and SVG.
func Draw(out string, rows []Prediction) error {
	dir, err := rundir.Create(out, "memory")
	if err != nil {
		return err
	}
	for _, r := range rows {
		for _, program := range r.Programs {
			drawing, err := planChart(r.Method, program)
			if err != nil {
				return fmt.Errorf("chart of %s: %w", r.Method, err)
			}
			if err := chart.Write(dir, r.Method+"-"+program.Name, drawing); err != nil {
				return err
			}
		}
	}
	return nil
}

// planChart stacks activations by cell, gradients and updates.
func planChart(method string, r Planned) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%s, %s: live bytes, peak %s MB at node %d of %d", method, r.Name,
		terminal.MB(r.Plan.Peak), r.Plan.At+1, len(r.Plan.Timeline))
	p.X.Label.Text, p.Y.Label.Text = "node in order of execution", "MB"
	p.Legend.Top, p.Legend.Left = true, true
	layers := r.Plan.Layers(chartLayer)
	names := slices.Sorted(maps.Keys(layers))
	positions := columns(r.Plan.Timeline)
	below := make([]float64, len(positions))
	for i, name := range names {
		area, above := band(layers[name], positions, below)
		polygon, err := plotter.NewPolygon(area)
		if err != nil {
			return nil, err
		}
		polygon.Color, polygon.LineStyle.Width = layerColor(name, i, len(names)), 0
		p.Add(polygon)
		p.Legend.Add(strings.TrimLeft(name, "0123456789 "), polygon)
		below = above
	}
	return p, markPeak(p, r.Plan)
}

// markPeak draws a line where the peak is, with its height, and gives the axes whole numbers.
func markPeak(p *plot.Plot, r plan.Plan) error {
	at, height := float64(r.At), float64(r.Peak)/terminal.Megabyte
	line, err := plotter.NewLine(plotter.XYs{{X: at, Y: 0}, {X: at, Y: height}})
	if err != nil {
		return err
	}
	line.Dashes = []vg.Length{vg.Points(3), vg.Points(2)}
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: at, Y: height}},
		Labels: []string{" peak " + terminal.MB(r.Peak) + " MB"}})
	if err != nil {
		return err
	}
	p.Add(line, label)
	p.Y.Max = 1.08 * height // room for the label
	p.X.Tick.Marker, p.Y.Tick.Marker = chart.WholeTicks{}, chart.WholeTicks{}
	return nil
}

// chartLayer names the layer of a tensor; the number in front orders the layers from the bottom.
func chartLayer(t plan.Tensor) string {
	switch {
	case t.Role == plan.Updating:
		return "3 update"
	case t.Role == plan.Gradient:
		return "2 gradients"
	case strings.HasPrefix(t.Cell, "cell"):
		return "1 activations of " + t.Cell
	}
	return "0 stem, head, loss"
}

// columns chooses the positions to draw: of every stretch the one with the most live bytes, so that
// the peak is in the picture.
func columns(timeline []int) []int {
	n := min(len(timeline), chartColumns)
	positions := make([]int, n)
	for i := range positions {
		lo, hi := i*len(timeline)/n, (i+1)*len(timeline)/n
		positions[i] = lo
		for j := lo; j < hi; j++ {
			if timeline[j] > timeline[positions[i]] {
				positions[i] = j
			}
		}
	}
	return positions
}

// band is the outline of a layer on top of those below, and its upper edge in MB.
func band(layer []int, positions []int, below []float64) (plotter.XYs, []float64) {
	above := make([]float64, len(below))
	var area plotter.XYs
	for i, at := range positions {
		above[i] = below[i] + float64(layer[at])/terminal.Megabyte
		area = append(area, plotter.XY{X: float64(at), Y: above[i]})
	}
	for i, at := range slices.Backward(positions) {
		area = append(area, plotter.XY{X: float64(at), Y: below[i]})
	}
	return area, above
}

// layerColor shades the cells from dark to light blue; the rest stands out from them.
func layerColor(name string, i, n int) color.Color {
	switch name[0] {
	case '0':
		return color.RGBA{120, 120, 120, 255}
	case '2':
		return color.RGBA{230, 120, 30, 255}
	case '3':
		return color.RGBA{60, 140, 60, 255}
	}
	shade := float64(i) / float64(n)
	return color.RGBA{uint8(20 + 150*shade), uint8(60 + 150*shade), uint8(130 + 110*shade), 255}
}
