package pareto

import (
	"fmt"
	"image/color"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"zos-ort/cmd/internal/chart"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
)

// Header names the columns of the table of levels.
var Header = []string{"at most", "method", "seeds", "cost", "accuracy %", "random within it %", "percentile within it"}

// Rows is the table of levels.
func (r *Report) Rows() (rows [][]string) {
	for _, l := range r.Levels {
		accuracy := fmt.Sprintf("%.2f", l.Accuracy)
		if l.Seeds > 1 {
			accuracy += fmt.Sprintf(" ± %.2f", l.Deviation)
		}
		rows = append(rows, []string{settings.Amount(l.Most), l.Method, strconv.Itoa(l.Seeds), settings.Amount(l.Cost),
			accuracy, fmt.Sprintf("%.2f ± %.2f", l.Random.Value, l.Spread), fmt.Sprintf("%.1f", l.Percentile)})
	}
	return rows
}

// Print prints the report for people.
func (r *Report) Print(p *terminal.Console) error {
	p.Result("%s of the network: %s", r.Limit, r.Network)
	return p.Table(Header, r.Rows())
}

// Save writes pareto.json, pareto.csv and the chart.
func (r *Report) Save(d rundir.Dir) error {
	if err := d.WriteJSON(File, r); err != nil {
		return err
	}
	if err := d.Write("pareto.csv", terminal.CSV(r.csv())); err != nil {
		return err
	}
	c, err := r.chart()
	if err != nil {
		return fmt.Errorf("chart of costs: %w", err)
	}
	return chart.Write(d, "pareto", c)
}

func (r *Report) csv() [][]string {
	rows := [][]string{{"run", "method", "seed", "most", "cost", "accuracy"}}
	for _, f := range r.Found {
		rows = append(rows, []string{f.Run, f.Method, strconv.FormatUint(f.Seed, 10), terminal.Number(f.Most),
			terminal.Number(f.Cost), terminal.Number(f.Accuracy)})
	}
	return rows
}

// Methods lists the methods as they first occur.
func (r *Report) Methods() (names []string) {
	for _, f := range r.Found {
		if !slices.Contains(names, f.Method) {
			names = append(names, f.Method)
		}
	}
	return names
}

// chart draws accuracies against costs: random architectures as a cloud, what was found over it.
func (r *Report) chart() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "What was found within budgets, and random architectures"
	p.X.Label.Text, p.Y.Label.Text = r.Limit, "accuracy, %"
	p.X.Tick.Marker = amounts{}
	var cloud plotter.XYs
	for _, x := range r.Random {
		cloud = append(cloud, plotter.XY{X: x.Cost, Y: x.Accuracy})
	}
	add := func(name string, at plotter.XYs, style draw.GlyphStyle) error {
		s, err := plotter.NewScatter(at)
		if err != nil {
			return err
		}
		s.GlyphStyle = style
		p.Add(s)
		p.Legend.Add(name, s)
		return nil
	}
	if err := add("random architectures", cloud, draw.GlyphStyle{Color: color.NRGBA{120, 130, 145, 90},
		Radius: vg.Points(1.5), Shape: draw.CircleGlyph{}}); err != nil {
		return nil, err
	}
	for i, m := range r.Methods() {
		var at plotter.XYs
		for _, f := range r.Found {
			if f.Method == m {
				at = append(at, plotter.XY{X: f.Cost, Y: f.Accuracy})
			}
		}
		if err := add(m, at, draw.GlyphStyle{Color: plotutil.Color(i), Radius: vg.Points(4), Shape: plotutil.Shape(i)}); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// amounts are gonum's ticks, labelled as budgets are written.
type amounts struct{}

// Ticks implements plot.Ticker.
func (amounts) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i, t := range ticks {
		if t.Label != "" {
			ticks[i].Label = settings.Amount(t.Value)
		}
	}
	return ticks
}
