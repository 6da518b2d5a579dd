package settings

import (
	"testing"

	"zos-ort/cmd/internal/host"
	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// The mask that a run is planned with keeps as many operations on every edge as its pruning will, whatever
// the settings of the pruning, and every edge can be used.
func TestLikelyMaskHasTheSizeOfThePruning(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Ranking)
		want   int
	}{
		"half the operations": {func(*Ranking) {}, 112},
		"architectures":       {func(r *Ranking) { r.Measure = string(prune.Architectures) }, 196},
		"keep none":           {func(r *Ranking) { r.KeepNone = true; r.Xi = .9 }, 196},
		"three a round":       {func(r *Ranking) { r.PerRound = 3 }, 112},
		"a quarter":           {func(r *Ranking) { r.Xi = .25 }, 56},
	} {
		e := Paper()
		c.change(&e.Ranking)
		mask := check.Must(e.LikelyMask())(t)
		if mask.Count() != c.want {
			t.Errorf("%s: %d operations are planned, want %d", name, mask.Count(), c.want)
		}
		plan := check.Must(prune.Plan(e.Pruning(), space.DARTS.FullMask()))(t)
		for _, ct := range space.DARTS.CellTypes() {
			for edge := range mask.Sets(ct) {
				if mask.At(ct, edge).Len() != plan.Mask.At(ct, edge).Len() || !mask.At(ct, edge).Usable() {
					t.Errorf("%s: %v edge %d keeps %v, the pruning %d", name, ct, edge, mask.At(ct, edge),
						plan.Mask.At(ct, edge).Len())
				}
			}
		}
	}
}

// Likely masks of a method that draws its own are those of the run.
func TestLikelyMaskOfARandomMethod(t *testing.T) {
	e := Paper().With(check.Must(method.Find("zos-rnd"))(t))
	want, _ := space.DARTS.RandomMask(e.MaskStream(0), e.Ranking.Xi)
	if got := check.Must(e.LikelyMask())(t); got != want {
		t.Error("the plan is made with another mask than the run")
	}
}

// Every stage has programs, and a batch is set where it is read.
func TestPrograms(t *testing.T) {
	e := PaperOnCIFAR()
	e.Network, e.Images.Size = Network{Channels: 8, Cells: 3, Partial: 4}, 8
	e.Ranking.Channels, e.Ranking.Cells = 8, 3
	e.Retraining = QuickRetraining().Retraining
	e.Retraining.Cells, e.Retraining.Genotype = 3, check.Must(space.Named("DARTS_V2"))(t)
	for stage, want := range map[Stage][]string{StagePruning: {"rank"},
		StageSearch: {"weight_step", "alpha_step", "eval"}, StageTraining: {"weight_step", "eval"}} {
		list := check.Must(e.WithBatch(stage, 6).Programs(stage, space.DARTS.FullMask()))(t)
		if len(list) != len(want) {
			t.Fatalf("%v has %d programs", stage, len(list))
		}
		for i, p := range list {
			images := check.Must(p.Signature.Input(graphgen.Image))(t).Type.Shape
			if p.Name != want[i] || images[0] != 6 {
				t.Errorf("%v: program %d is %s for images %v, want %s for 6", stage, i, p.Name, images, want[i])
			}
		}
	}
}

// A perturbation adds an epoch for every decision.
func TestSearchEpochs(t *testing.T) {
	e := Standard()
	epochs := e.Search.Epochs
	if n := e.SearchEpochs(); n != epochs {
		t.Errorf("%d epochs, want %d", n, epochs)
	}
	e.Search.Derive = DerivePerturbation
	if n := e.SearchEpochs(); n != epochs+17 {
		t.Errorf("%d epochs with decisions, want %d", n, epochs+17)
	}
}

// No more sessions rank side by side than there are processors, whatever the threads.
func TestRankingSessions(t *testing.T) {
	processors := host.Processors()
	for threads, want := range map[int]int{1: 1, processors: processors, processors + 14: processors} {
		e := Paper()
		if e.Device.Threads = threads; e.RankingSessions() != want {
			t.Errorf("%d threads on %d processors: %d sessions, want %d", threads, processors, e.RankingSessions(), want)
		}
		if e.Device.GPU = true; e.RankingSessions() != 1 {
			t.Errorf("%d sessions on a GPU", e.RankingSessions())
		}
	}
}
