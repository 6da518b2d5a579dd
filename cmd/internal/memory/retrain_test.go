package memory

import (
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/plan"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// retraining is the plan of a step of training the network of a published genotype.
func retraining(t *testing.T, name string, change func(*settings.Retraining)) Planned {
	t.Helper()
	e := settings.PaperRetraining()
	e.Images = settings.PaperOnCIFAR().Images
	e.Retraining.Genotype = check.Must(space.Named(name))(t)
	change(&e.Retraining)
	p := check.Must(e.Programs(settings.StageTraining, space.Mask{}))(t)[0]
	return Planned{p, plan.Of(p.Graph)}
}

// The paper's network (20 cells, 36 channels, auxiliary head, drop-path) trains at batch 128 in far
// less than 24 GiB.
func TestPaperNetworkFits(t *testing.T) {
	for _, name := range []string{"DARTS_V1", "DARTS_V2", "PC_DARTS_cifar"} {
		r := retraining(t, name, func(*settings.Retraining) {})
		t.Logf("%s: %s MB", name, terminal.MB(r.Plan.Total()))
		if r.Plan.Total() > 6<<30 {
			t.Errorf("%s needs %s MB, want at most a quarter of 24 GiB", name, terminal.MB(r.Plan.Total()))
		}
	}
}

// The prediction is within 5 % of the arena for a retraining too.
func TestRetrainingMatchesArena(t *testing.T) {
	openRuntime(t)
	r := retraining(t, "DARTS_V2", func(r *settings.Retraining) {
		r.Batch, r.Channels, r.Cells = 16, 8, 5
	})
	m := check.Must(meter.Measure(t.Context(), r.Program, ort.Options{Threads: 1}))(t)
	if ratio := float64(r.Plan.Peak) / float64(m.Peak); ratio < .95 || ratio > 1.02 {
		t.Errorf("predicted %d bytes, measured %d: ratio %.3f, want .95 to 1.02", r.Plan.Peak, m.Peak, ratio)
	}
}
