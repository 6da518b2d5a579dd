package main

import (
	"testing"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/plan"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
	"zos-ort/search/retrain"
)

// retraining is the plan of a step of training the network of a published genotype.
func retraining(t *testing.T, name string, change func(c *retrain.Config)) retrainRow {
	t.Helper()
	c := retrain.Paper()
	c.Net.Genotype, c.Net.Classes = check.Must(space.Named(name))(t), benchClasses
	change(&c)
	p := check.Must(c.Spec(32).WeightStep())(t)
	r := plan.Of(p.Graph)
	return retrainRow{Live: r.Peak, Peak: r.Total(), program: p}
}

// The paper's network (20 cells, 36 channels, auxiliary head, drop-path) trains at batch 128 in far
// less than 24 GiB.
func TestPaperNetworkFits(t *testing.T) {
	for _, name := range []string{"DARTS_V1", "DARTS_V2", "PC_DARTS_cifar"} {
		r := retraining(t, name, func(*retrain.Config) {})
		t.Logf("%s: %s MB", name, terminal.MB(r.Peak))
		if r.Peak > 6<<30 {
			t.Errorf("%s needs %s MB, want at most a quarter of 24 GiB", name, terminal.MB(r.Peak))
		}
	}
}

// The prediction is within 5 % of the arena for a retraining too.
func TestRetrainingMatchesArena(t *testing.T) {
	openRuntime(t)
	r := retraining(t, "DARTS_V2", func(c *retrain.Config) {
		c.Batch, c.Net.Channels, c.Net.Cells = 16, 8, 5
	})
	m := check.Must(meter.Measure(t.Context(), r.program, ort.Options{Threads: 1}))(t)
	if ratio := float64(r.Live) / float64(m.Peak); ratio < .95 || ratio > 1.02 {
		t.Errorf("predicted %d bytes, measured %d: ratio %.3f, want .95 to 1.02", r.Live, m.Peak, ratio)
	}
}
