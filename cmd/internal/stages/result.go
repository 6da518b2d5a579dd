package stages

import (
	"slices"
	"strconv"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/models/space"
)

// resultFile holds what a finished command prints with --json.
const resultFile = "result.json"

// peakRSSColumn of timing.csv is the largest resident size of the process so far.
const peakRSSColumn = "peak_rss_bytes"

// timed completes a row of timing.csv. A run that was begun by an earlier version has no column for the memory.
func timed(header []string, row ...string) []string {
	if slices.Contains(header, peakRSSColumn) {
		row = append(row, strconv.FormatInt(host.PeakRSS(), 10))
	}
	return row
}

// memoryPlan writes memory.csv: the predicted bytes over the programs of a stage.
func (r *Run) memoryPlan(s settings.Stage, mask space.Mask) error {
	if !r.leads() {
		return nil
	}
	programs, err := r.Programs(s, mask)
	if err != nil {
		return err
	}
	return r.Dir.Write("memory.csv", memory.Timeline(programs))
}
