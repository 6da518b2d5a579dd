package settings

import (
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
)

// What a file says is bounded as what flags say is.
func TestNumbersOfAFile(t *testing.T) {
	for _, c := range []struct {
		set  func(e *Experiment)
		want string
	}{
		{func(e *Experiment) { e.Device.Threads = 100000 }, "--threads must be at most 1024, got 100000"},
		{func(e *Experiment) { e.Ranking.Repeats = 1e9 }, "--repeats must be at most 65536, got 1000000000"},
		{func(e *Experiment) { e.Network.Cells = 1e9 }, "--cells must be at most 256"},
		{func(e *Experiment) { e.Ranking.Cells = 1e9 }, "--rank-cells must be at most 256"},
		{func(e *Experiment) { e.Export.Cells = 1e9 }, "--network-cells must be at most 256"},
		{func(e *Experiment) { e.Search.Epochs = 1e9 }, "--epochs must be at most 1048576"},
		{func(e *Experiment) { e.Search.SelectEpochs = -1 }, "--select-epochs must not be negative, got -1"},
		{func(e *Experiment) { e.Search.Pad = -1 }, "--pad must not be negative, got -1"},
	} {
		e := Quick()
		e.Command = "search"
		if err := e.Check(); err != nil {
			t.Fatal(err)
		}
		c.set(&e)
		check.Error(t, e.Check(), c.want)
	}
	e := QuickRetraining()
	e.Retraining.Genotype = check.Must(space.Named("DARTS_V2"))(t)
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	e.Retraining.Cells = 1 << 40
	check.Error(t, e.Check(), "--cells must be at most 256")
}
