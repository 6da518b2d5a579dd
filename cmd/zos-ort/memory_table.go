package main

import (
	"context"
	"fmt"
	"strings"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// predictionTable prints the predicted peaks.
func predictionTable(p *terminal.Console, e settings.Experiment, rows []memory.Prediction) error {
	peaks := map[string]int{}
	highest := 1
	for _, r := range rows {
		peaks[r.Method] = r.Peak
		highest = max(highest, r.Peak)
	}
	var cells [][]string
	for _, r := range rows {
		bar := strings.Repeat("█", (24*r.Peak+highest-1)/highest)
		cells = append(cells, []string{r.Method, terminal.OptionalMB(r.Weight), terminal.OptionalMB(r.Alpha),
			terminal.OptionalMB(r.Rank), terminal.OptionalMB(r.State), peakCell(r), terminal.OptionalMB(r.Worst() / e.Search.Batch),
			versus(r, peaks, "darts"), versus(r, peaks, "pc-darts"), bar})
	}
	p.Result("predicted memory in MB (10^6 bytes), batch %d, %d channels, %d cells, %dx%d images, passes %s",
		e.Search.Batch, e.Network.Channels, e.Network.Cells, e.Images.Size, e.Images.Size,
		e.Execution.Passes)
	err := p.Table([]string{"method", "weight step", "alpha step", "ranking", "state", "peak", "per image",
		"to darts (paper)", "to pc-darts (paper)", ""}, cells)
	if err != nil {
		return err
	}
	return p.Value(map[string]any{"config": e, "rows": jsonRows(rows)})
}

// jsonRow is a row with the paper's number.
type jsonRow struct {
	memory.Prediction
	Paper float64 `json:"paper_peak_mb,omitempty"`
}

func jsonRows(rows []memory.Prediction) (list []jsonRow) {
	for _, r := range rows {
		list = append(list, jsonRow{r, paperPeak(r.Method)})
	}
	return list
}

// peakCell is the peak, with its standard error where it is a mean.
func peakCell(p memory.Prediction) string {
	if p.Error == 0 {
		return terminal.OptionalMB(p.Peak)
	}
	return fmt.Sprintf("%s ± %s", terminal.MB(p.Peak), terminal.MB(p.Error))
}

// paperPeak is the peak in MB of the paper's Table 1 for CIFAR-10; 0 for a method that is not in it.
func paperPeak(name string) float64 {
	n, _ := method.Paper("cifar-10", name)
	return n.PeakMB
}

// versus is the ratio to another method, ours and the paper's.
func versus(r memory.Prediction, peaks map[string]int, to string) string {
	return fmt.Sprintf("%s (%s)", terminal.Ratio(float64(r.Peak), float64(peaks[to])),
		terminal.Ratio(paperPeak(r.Method), paperPeak(to)))
}

// memoryTrial is a program's prediction and what the runtime counted.
type memoryTrial struct {
	Method    string  `json:"method"`
	Program   string  `json:"program"`
	Predicted int     `json:"predicted_peak_bytes"`
	Measured  int64   `json:"measured_peak_bytes"`
	Resident  int64   `json:"peak_rss_bytes"` // of the process so far
	Seconds   float64 `json:"seconds"`

	GPU *meter.Peaks `json:"gpu_memory,omitempty"`
}

// measureRows runs every program of every row and compares it with its plan.
func measureRows(ctx context.Context, p *terminal.Console, e settings.Experiment, rows []memory.Prediction,
	by meter.Bench) error {
	if err := ort.Open(""); err != nil {
		return err
	}
	var list []memoryTrial
	var cells [][]string
	for _, r := range rows {
		for _, program := range r.Programs {
			m, gpu, err := by.Of(ctx, program.Program)
			if err != nil {
				return err
			}
			c := memoryTrial{r.Method, program.Name, program.Plan.Peak, m.Peak, host.PeakRSS(), m.Seconds, gpu}
			list = append(list, c)
			cells = append(cells, c.cells())
		}
	}
	p.Result("live bytes in MB (10^6 bytes), batch %d: prediction and %s", e.Search.Batch, by.Counts())
	err := p.Table(append([]string{"method", "program", "predicted", "measured", "difference",
		"process so far", "seconds"}, by.GPUHeader()...), cells)
	if err != nil {
		return err
	}
	return p.Value(map[string]any{"config": e, "rows": list})
}

func (c memoryTrial) cells() []string {
	return append([]string{c.Method, c.Program, terminal.MB(c.Predicted), terminal.MB(int(c.Measured)),
		fmt.Sprintf("%+.1f %%", 100*(float64(c.Predicted)/float64(c.Measured)-1)),
		terminal.OptionalMB(int(c.Resident)), fmt.Sprintf("%.2f", c.Seconds)}, c.GPU.Columns()...)
}
