package stages

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// resultFile holds what a finished command prints with --json.
const resultFile = "result.json"

// Columns of timing.csv: the largest resident size of the process so far, and what the clock says is left of the run.
const (
	peakRSSColumn = "peak_rss_bytes"
	leftColumn    = "left_seconds"
)

// timed completes a row of timing.csv. A run that was begun by an earlier version has not all of its columns.
func (r *Run) timed(header []string, row ...string) []string {
	if slices.Contains(header, peakRSSColumn) {
		row = append(row, strconv.FormatInt(host.PeakRSS(), 10))
	}
	if slices.Contains(header, leftColumn) {
		left := ""
		if seconds, ok := r.clock.Left(); ok {
			left = terminal.Seconds(seconds)
		}
		row = append(row, left)
	}
	return row
}

// memoryPlan writes memory.csv, the predicted bytes over the programs of a stage, and memory_measured.csv, what is in use
// when they run. For that each runs once by itself, which a run of seconds is not worth.
func (r *Run) memoryPlan(ctx context.Context, s settings.Stage, mask space.Mask) error {
	if !r.leads() {
		return nil
	}
	programs, err := r.Programs(s, mask)
	if err != nil {
		return err
	}
	if err := r.Dir.Write("memory.csv", memory.Timeline(programs)); err != nil {
		return err
	}
	if !r.Forecast.Measured || r.Device.CUDA != nil {
		return nil
	}
	terminal.Doing(ctx, "measuring the memory of a step")
	curves, err := r.curves(ctx, programs)
	if errors.Is(err, ort.ErrInUse) { // the arena, by another run of the process
		return nil
	}
	if err != nil {
		return err
	}
	table, err := memory.Measured(programs, curves)
	if err != nil {
		return err
	}
	return r.Dir.Write("memory_measured.csv", table)
}

// curves measures what is in use over each program.
func (r *Run) curves(ctx context.Context, programs []*graphgen.Program) (curves [][]int64, err error) {
	err = r.Device.WithoutArena(func() error {
		for _, p := range programs {
			ort.Trim() // or what emission and the session before left would come on top
			c, err := meter.Curve(ctx, p, r.Device.Options(r.Experiment))
			if err != nil {
				return err
			}
			curves = append(curves, c)
		}
		return nil
	})
	return curves, err
}
