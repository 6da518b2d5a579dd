package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"zos-ort/ort"
	"zos-ort/search/sweep"
)

// megabyte is 10^6 bytes, as sizes are printed.
const megabyte = 1e6

func megabytes(bytes int) string { return fmt.Sprintf("%.1f", float64(bytes)/megabyte) }

// parseSize reads 8GB, 512MB, 1.5GiB or a number of bytes.
func parseSize(s string) (int, error) {
	units := []struct {
		name string
		size float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"GB", 1e9}, {"MB", 1e6}, {"B", 1}, {"", 1}}
	for _, u := range units {
		text, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(x >= 1 && x*u.size < 1<<62) {
			break
		}
		return int(x * u.size), nil
	}
	return 0, fmt.Errorf("size %q: want a positive number with B, MB, MiB, GB or GiB", s)
}

// predictionTable prints the predicted peaks.
func predictionTable(p *console, cfg memoryConfig, rows []prediction) error {
	peaks := map[string]int{}
	highest := 1
	for _, r := range rows {
		peaks[r.Method] = r.Peak
		highest = max(highest, r.Peak)
	}
	var cells [][]string
	for _, r := range rows {
		bar := strings.Repeat("█", (24*r.Peak+highest-1)/highest)
		cells = append(cells, []string{r.Method, optionalMB(r.Weight), optionalMB(r.Alpha),
			optionalMB(r.Rank), optionalMB(r.State), r.peakCell(), optionalMB(r.worst() / cfg.Batch),
			versus(r, peaks, "darts"), versus(r, peaks, "pc-darts"), bar})
	}
	p.result("predicted memory in MB (10^6 bytes), batch %d, %d channels, %d cells, %dx%d images, passes %s",
		cfg.Batch, cfg.Channels, cfg.Cells, cfg.Image, cfg.Image, cfg.Passes)
	err := p.table([]string{"method", "weight step", "alpha step", "ranking", "state", "peak", "per image",
		"to darts (paper)", "to pc-darts (paper)", ""}, cells)
	if err != nil {
		return err
	}
	return p.value(map[string]any{"config": cfg, "rows": jsonRows(rows)})
}

// jsonRow is a row with the paper's number.
type jsonRow struct {
	prediction
	Paper float64 `json:"paper_peak_mb,omitempty"`
}

func jsonRows(rows []prediction) (list []jsonRow) {
	for _, r := range rows {
		list = append(list, jsonRow{r, paperPeak(r.Method)})
	}
	return list
}

// peakCell is the peak, with its standard error where it is a mean.
func (p prediction) peakCell() string {
	if p.Error == 0 {
		return optionalMB(p.Peak)
	}
	return fmt.Sprintf("%s ± %s", megabytes(p.Peak), megabytes(p.Error))
}

func optionalMB(bytes int) string {
	if bytes == 0 {
		return "-"
	}
	return megabytes(bytes)
}

// paperPeak is the peak in MB of the paper's Table 1 for CIFAR-10; 0 for a method that is not in it.
func paperPeak(method string) float64 {
	n, _ := sweep.Paper("cifar-10", method)
	return n.PeakMB
}

// versus is the ratio to another method, ours and the paper's.
func versus(r prediction, peaks map[string]int, to string) string {
	return fmt.Sprintf("%s (%s)", ratio(float64(r.Peak), float64(peaks[to])),
		ratio(paperPeak(r.Method), paperPeak(to)))
}

// ratio prints x / base where there are both.
func ratio(x, base float64) string {
	if x == 0 || base == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", x/base)
}

// memoryTrial is a program's prediction and what the runtime counted.
type memoryTrial struct {
	Method    string  `json:"method"`
	Program   string  `json:"program"`
	Predicted int     `json:"predicted_peak_bytes"`
	Measured  int64   `json:"measured_peak_bytes"`
	Resident  int64   `json:"peak_rss_bytes"` // of the process so far
	Seconds   float64 `json:"seconds"`

	GPU *gpuMemory `json:"gpu_memory,omitempty"`
}

// measureRows runs every program of every row and compares it with its plan.
func measureRows(ctx context.Context, p *console, cfg memoryConfig, rows []prediction,
	by meter) error {
	if err := ort.Open(""); err != nil {
		return err
	}
	var list []memoryTrial
	var cells [][]string
	for _, r := range rows {
		for _, program := range r.programs {
			m, gpu, err := by.of(ctx, program.Program)
			if err != nil {
				return err
			}
			c := memoryTrial{r.Method, program.Name, program.plan.Peak, m.Peak, peakRSS(), m.Seconds, gpu}
			list = append(list, c)
			cells = append(cells, c.cells())
		}
	}
	p.result("live bytes in MB (10^6 bytes), batch %d: prediction and %s", cfg.Batch, by.counts())
	err := p.table(append([]string{"method", "program", "predicted", "measured", "difference",
		"process so far", "seconds"}, by.gpuHeader()...), cells)
	if err != nil {
		return err
	}
	return p.value(map[string]any{"config": cfg, "rows": list})
}

func (c memoryTrial) cells() []string {
	return append([]string{c.Method, c.Program, megabytes(c.Predicted), megabytes(int(c.Measured)),
		fmt.Sprintf("%+.1f %%", 100*(float64(c.Predicted)/float64(c.Measured)-1)),
		optionalMB(int(c.Resident)), fmt.Sprintf("%.2f", c.Seconds)}, c.GPU.columns()...)
}
