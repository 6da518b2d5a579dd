// Package chart writes plots as PNG and SVG files.
package chart

import (
	"bytes"
	"fmt"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"zos-ort/cmd/internal/rundir"
)

// Size of the charts.
const (
	width  = 24 * vg.Centimeter
	height = 12 * vg.Centimeter
)

// What the histograms of charts are saved as, see HistogramFile.
const (
	Figure1Histogram = "figure1_histogram.csv"
	JudgeHistogram   = "judge_histogram.csv"
)

// Write writes NAME.png and NAME.svg.
func Write(d rundir.Dir, name string, chart *plot.Plot) error {
	for _, format := range []string{"png", "svg"} {
		w, err := chart.WriterTo(width, height, format)
		if err != nil {
			return fmt.Errorf("chart %s: %w", name, err)
		}
		var b bytes.Buffer
		if _, err := w.WriteTo(&b); err != nil {
			return fmt.Errorf("chart %s: %w", name, err)
		}
		if err := d.Write(name+"."+format, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// WholeTicks are gonum's ticks, labelled with whole numbers.
type WholeTicks struct{}

// Ticks implements plot.Ticker.
func (WholeTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i, t := range ticks {
		if t.Label != "" {
			ticks[i].Label = strconv.FormatFloat(t.Value, 'f', -1, 64)
		}
	}
	return ticks
}
