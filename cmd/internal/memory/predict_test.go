package memory

import (
	"math"
	"slices"
	"strings"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/plan"
	"zos-ort/graphgen/reader"
	"zos-ort/models/method"
)

func predictAll(t *testing.T, c settings.Experiment, masks int, names ...string) map[string]int {
	t.Helper()
	peaks := map[string]int{}
	for _, name := range names {
		m, err := method.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Predict(c.With(m), masks)
		if err != nil {
			t.Fatal(err)
		}
		peaks[name] = r.Peak
	}
	return peaks
}

// Without the rewrites the predictions have the ratios of the paper's Table 1, at its sizes.
func TestPaperRatios(t *testing.T) {
	c := settings.PaperOnCIFAR().WithBatch(settings.StagePruning, 128)
	c.Execution.Passes = settings.PassesNone
	p := predictAll(t, c, 3, "darts", "pc-darts", "zos", "darts-rnd", "etenas")
	for _, r := range []struct {
		method, to     string
		want, distance float64
	}{
		{"pc-darts", "darts", .30, .06},
		{"zos", "pc-darts", .64, .06},
		{"darts-rnd", "darts", .54, .06},
		{"etenas", "darts", .015, .015},
	} {
		got := float64(p[r.method]) / float64(p[r.to])
		t.Logf("%s / %s = %.3f", r.method, r.to, got)
		if math.Abs(got-r.want) > r.distance {
			t.Errorf("%s / %s = %.3f, want %v +- %v", r.method, r.to, got, r.want, r.distance)
		}
	}
}

// A file read back with onnx-go has the plan of the graph that it was written from.
func TestFilesAgreeWithPlanner(t *testing.T) {
	for _, name := range []string{"darts", "zos", "etenas-pc"} {
		r := check.Must(Predict(small(4).With(check.Must(method.Find(name))(t)), 1))(t)
		for _, want := range r.Programs {
			p := check.Must(reader.Program(check.Must(want.File())(t), 0))(t)
			got := plan.Simulate(p, p.RuntimeOrder())
			if got.Peak != want.Plan.Peak || got.State != want.Plan.State || got.Inputs != want.Plan.Inputs {
				t.Errorf("%s: the file of %s has peak %d, state %d, inputs %d, the graph %d, %d, %d", name,
					want.Name, got.Peak, got.State, got.Inputs, want.Plan.Peak, want.Plan.State, want.Plan.Inputs)
			}
		}
	}
}

// Our own kernels keep far less than ONNX Runtime's.
func TestKernelsSave(t *testing.T) {
	with, without := small(16), small(16)
	without.Execution.Passes = settings.PassesPortable
	for _, name := range []string{"darts", "pc-darts"} {
		got, plain := predictAll(t, with, 1, name)[name], predictAll(t, without, 1, name)[name]
		if got > plain*2/3 {
			t.Errorf("%s: %d bytes with our kernels, %d without: want a third less", name, got, plain)
		}
	}
}

func TestLargestBatch(t *testing.T) {
	m, err := method.Find("zos")
	if err != nil {
		t.Fatal(err)
	}
	c := small(1)
	const limit = 8_000_000
	batch, err := LargestBatchOf(c.With(m), limit)
	if err != nil {
		t.Fatal(err)
	}
	for b, fits := range map[int]bool{batch: true, batch + 1: false} {
		if c := c.WithBatch(settings.StageSearch, b); (predictAll(t, c, 1, "zos")["zos"] <= limit) != fits {
			t.Errorf("batch %d fits is not %v", b, fits)
		}
	}
	if batch, err := LargestBatchOf(c.With(m), 1000); batch != 0 || err != nil {
		t.Errorf("batch %d, error %v for 1000 bytes, want 0", batch, err)
	}
}

// Without any one of the rewrites of the graph the alpha step needs more memory. Our own kernels come
// on top and do some of the same. The weight step alone is better off without shuffle by 1 %.
func TestEveryPassSaves(t *testing.T) {
	m, err := method.Find("pc-darts")
	if err != nil {
		t.Fatal(err)
	}
	alpha := func(list string) int {
		c := small(16)
		c.Execution.Passes = list
		r, err := Predict(c.With(m), 1)
		if err != nil {
			t.Fatal(err)
		}
		return r.Alpha
	}
	if all, named := alpha(settings.PassesAll), alpha(settings.PassesPortable+",kernels"); all != named {
		t.Errorf("all the passes by name give %d bytes, all gives %d", named, all)
	}
	names, best := strings.Split(settings.PassesPortable, ","), alpha(settings.PassesPortable)
	for i, name := range names {
		rest := strings.Join(slices.Delete(slices.Clone(names), i, i+1), ",")
		if got := alpha(rest); got <= best {
			t.Errorf("without %s the alpha step takes %d bytes, with all %d", name, got, best)
		}
	}
}
