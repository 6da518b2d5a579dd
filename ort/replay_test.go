package ort

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zos-ort/ort/standin"
)

// replayed is the program of a fit on a Resident, under the stand-in for CUDA, in which everything but
// copies does nothing.
type replayed struct {
	fit
	resident *Resident
	program  *Replay
	notices  []string
	counts   string
}

// newReplayed opens the stand-in. It returns nil where another process does the test.
func newReplayed(t *testing.T, env ...string) *replayed {
	t.Helper()
	if _, err := LocateCUDA(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	counts := filepath.Join(t.TempDir(), "counts")
	if inherited := os.Getenv(standin.CountsVariable); inherited != "" {
		counts = inherited
	}
	t.Setenv(standin.CountsVariable, counts)
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	if !fresh(t) {
		return nil
	}
	ok(t, OpenCUDA(FindDevices([]string{standin.Build(t)}), CUDA{}))
	f := &replayed{counts: counts, resident: must(NewResident(fitParams()))(t)}
	o := Options{CUDA: &CUDA{Graphs: true, Notice: func(s string) { f.notices = append(f.notices, s) }}}
	f.program = must(NewReplay(f.resident, fitModel(), o))(t)
	f.tensors(t)
	f.step = must(f.program.Bind(f.inputs, f.outputs))(t)
	return f
}

func (f *replayed) close(t *testing.T) {
	t.Helper()
	f.resident.Close()
	for _, x := range []*Tensor{f.x, f.y, f.rate, f.loss} {
		x.Close()
	}
	if s := must(Pool())(t); s.InUse != 0 {
		t.Errorf("%d bytes of the pool are in use in the end", s.InUse)
	}
	ok(t, Close())
}

// run makes a step and returns what it asked CUDA for.
func (f *replayed) run(t *testing.T) standin.Counts {
	t.Helper()
	standin.Reset(t, f.counts)
	ok(t, f.step.Run())
	return standin.Read(t, f.counts)
}

// The third run of a step is recorded. From then on it is a copy of the inputs, a graph and a copy of the
// outputs.
func TestGraphs(t *testing.T) {
	f := newReplayed(t)
	if f == nil {
		return
	}
	defer f.close(t)
	for i := range 6 {
		c := f.run(t)
		t.Logf("run %d: %+v", i+1, c)
		first, third := i < 2, i == 2
		if (!first && c.Waits != 1) || c.Strays != 0 || (c.Kernels > 0) != first || (c.Graphs == 1) == first ||
			(c.Recorded > 0) != third || (i > 2 && c.Copies != 2) {
			t.Errorf("run %d asked for %+v", i+1, c)
		}
	}
	if len(f.notices) > 0 {
		t.Error(f.notices)
	}
	want := []float32{3, 4}
	ok(t, f.resident.Set("w", want))
	got := make([]float32, 2)
	if ok(t, f.resident.Get("w", got)); !slices.Equal(got, want) {
		t.Errorf("the state is %v, not %v", got, want)
	}
}
