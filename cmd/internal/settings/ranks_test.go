package settings

import (
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
)

func TestRanksAreChecked(t *testing.T) {
	e := Quick()
	e.Images.Train, e.Images.Classes = 200, 10
	e.Search.Batch, e.Ranking.Batch = 32, 32
	if err := e.CheckImages(); err != nil {
		t.Fatal(err)
	}
	e.Execution.Ranks = 4
	check.Error(t, e.CheckImages(), "--batch 32 on 4 ranks is larger than half of the 200 images")
	e.Search.Batch, e.Execution.Shard = 8, "1/2"
	check.Error(t, e.CheckImages(), "the 4 ranks share the ranking anyway")
	e.Execution.Shard, e.Search.ScaleRate = "", "square"
	check.Error(t, e.Check(), `unknown --scale-lr "square": use none or linear`)
	check.Error(t, CheckMPI("maybe"), `unknown --mpi "maybe"`)
}

// The learning rate grows with the ranks if it is asked to; the programs are those of ranks.
func TestRanksScale(t *testing.T) {
	e := Quick()
	e.Images.Classes = 10
	e.Network.Channels, e.Network.Cells = 4, 3
	for _, c := range []struct {
		ranks int
		scale string
		want  float64
	}{{1, ScaleLinear, .1}, {4, "", .1}, {4, ScaleNone, .1}, {4, ScaleLinear, .4}} {
		e.Execution.Ranks = c.ranks
		if got := e.ScaledRate(.1, c.scale); got != c.want {
			t.Errorf("%d ranks, %q: rate %v, want %v", c.ranks, c.scale, got, c.want)
		}
		var names []string
		for _, p := range check.Must(e.Programs(StageSearch, space.DARTS.FullMask()))(t) {
			names = append(names, p.Name)
		}
		if ranks := names[0] == "weight_gradient" && names[1] == "weight_update"; ranks != (c.ranks > 1) {
			t.Errorf("%d ranks have the programs %v", c.ranks, names)
		}
	}
}

// Ranks on one machine divide its processors, unless they are told how many threads to have.
func TestRanksDivideTheProcessors(t *testing.T) {
	r := Resolved{Experiment: Quick()}
	r.On(1, 1, 0, false)
	if r.Execution != (Execution{}) { // config.json would have it
		t.Errorf("a process alone has the settings %+v", r.Execution)
	}
	r.On(8, 1<<20, 0, false)
	if r.Experiment.Device.Threads != 1 {
		t.Errorf("%d threads for one of a million ranks", r.Experiment.Device.Threads)
	}
	r.Experiment.Device.Threads = 7
	if r.On(8, 4, 0, true); r.Experiment.Device.Threads != 7 {
		t.Errorf("%d threads, 7 were asked for", r.Experiment.Device.Threads)
	}
	if r.On(8, 1, 0, false); r.Experiment.Device.Threads != 7 {
		t.Error("a rank that has its machine to itself has other threads than a process alone")
	}
}
