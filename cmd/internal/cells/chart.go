package cells

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"zos-ort/models/file"
)

// charts are the pictures that Draw makes, of quantities that at least one run has.
var charts = []struct {
	file, title, axis string
	quantity          Quantity
}{
	{"accuracy-test", "Test accuracy after retraining", "%", Test},
	{"accuracy-valid", "Validation accuracy of the supernet", "%", Valid},
	{"accuracy-small", "Accuracy of small networks on images held out", "%", SmallAccuracy},
	{"time", "Pruning and search", "s", Seconds},
	{"memory", "Predicted peak memory of the search", "MB", Predicted},
	{"memory-rss", "Peak resident size of the process", "MB", Resident},
}

const (
	chartWidth  = 24 * vg.Centimeter
	chartHeight = 12 * vg.Centimeter
	maxBar      = 2 * vg.Centimeter
)

// Draw writes bar charts as PNG and SVG into a folder: a group of bars per method, a bar per data
// set, mean with the standard deviation as error bar. It returns the names of the files.
func (t Table) Draw(dir string) (files []string, err error) {
	for _, c := range charts {
		if !slices.ContainsFunc(t.Rows, func(r Row) bool { return r.Stats[c.quantity].N > 0 }) {
			continue
		}
		p, err := t.chart(c.title, c.axis, c.quantity)
		if err != nil {
			return files, fmt.Errorf("chart %s: %w", c.file, err)
		}
		for _, format := range []string{"png", "svg"} {
			name := c.file + "." + format
			if err := save(p, filepath.Join(dir, name), format); err != nil {
				return files, fmt.Errorf("chart %s: %w", c.file, err)
			}
			files = append(files, name)
		}
	}
	return files, nil
}

func save(p *plot.Plot, path, format string) error {
	w, err := p.WriterTo(chartWidth, chartHeight, format)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		return err
	}
	return file.Write(path, b.Bytes(), 0o644)
}

// bars are the summaries of one data set, with their positions on the axis of methods.
type bars struct {
	summaries []Summary
	offset    float64
}

// Len, XY and YError implement plotter.XYer and plotter.YErrorer.
func (b bars) Len() int { return len(b.summaries) }

func (b bars) XY(i int) (x, y float64) { return float64(i) + b.offset, b.summaries[i].Mean }

func (b bars) YError(i int) (low, high float64) { return b.summaries[i].SD, b.summaries[i].SD }

// chart draws one quantity. Methods without a value have a bar of no height.
func (t Table) chart(title, axis string, q Quantity) (*plot.Plot, error) {
	var sets, methods []string
	for _, r := range t.Rows {
		if !slices.Contains(sets, r.Data) {
			sets = append(sets, r.Data)
		}
		if !slices.Contains(methods, r.Method) {
			methods = append(methods, r.Method)
		}
	}
	p := plot.New()
	p.Title.Text, p.Y.Label.Text, p.Y.Min = title, axis, 0
	p.NominalX(methods...)
	p.Legend.Top = true
	width := .8 / float64(len(sets))
	p.X.Min, p.X.Max = -.5, float64(len(methods))-.5
	bar := min(chartWidth*.9*vg.Length(width)/vg.Length(len(methods)), maxBar)
	for i, set := range sets {
		b := bars{summaries: make([]Summary, len(methods)),
			offset: (float64(i) - float64(len(sets)-1)/2) * width}
		values := make(plotter.Values, len(methods))
		for j, m := range methods {
			if r := t.find(set, m); r != nil {
				b.summaries[j], values[j] = r.Stats[q], r.Stats[q].Mean
			}
		}
		chart, err := plotter.NewBarChart(values, bar)
		if err != nil {
			return nil, err
		}
		chart.Color, chart.LineStyle.Width = plotutil.Color(i), 0
		chart.XMin = b.offset
		whiskers, err := plotter.NewYErrorBars(b)
		if err != nil {
			return nil, err
		}
		p.Add(chart, whiskers)
		p.Legend.Add(set, chart)
	}
	return p, nil
}
