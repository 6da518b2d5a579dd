package memory

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/plan"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// small is a supernet of three cells, two of which reduce.
func small(batch int) settings.Experiment {
	e := settings.PaperOnCIFAR()
	e.Network.Channels, e.Network.Cells, e.Images.Size, e.Device.Threads = 8, 3, 16, 1
	return e.WithBatch(settings.StageSearch, batch).WithBatch(settings.StagePruning, batch)
}

func openRuntime(t *testing.T) {
	t.Helper()
	if err := ort.Open(""); err != nil {
		t.Skipf("no ONNX Runtime: %v", err)
	}
}

// The prediction is what ONNX Runtime's arena counts, for every program of every kind of method at
// three batch sizes: to the byte for most, a few percent below where kernels take scratch memory,
// which hardly depends on the batch: some 40 kB of the megabyte of the smallest programs. In
// programs that recompute as much as they can and in portable ones, at such a batch, the scratch memory
// of ONNX Runtime's convolutions is up to a tenth of what is left; in portable ones a few buffers that
// the planner counts are shared.
func TestPredictionMatchesArena(t *testing.T) {
	if testing.Short() {
		t.Skip("makes dozens of sessions of thousands of nodes")
	}
	openRuntime(t)
	for _, name := range []string{"darts", "pc-darts", "zos", "darts-rnd", "etenas", "etenas-pc"} {
		for _, batch := range []int{2, 4, 8} {
			wantMeasured(t, small(batch), name)
		}
	}
	for _, passes := range []string{settings.PassesNone, settings.PassesPortable + ",recompute"} {
		c := small(4)
		c.Execution.Passes = passes
		wantMeasured(t, c, "zos")
	}
	for _, passes := range []string{settings.PassesAll, settings.PassesPortable} {
		for _, recompute := range []string{"on", "max"} {
			c := small(8)
			c.Execution.Passes, c.Execution.Recompute = passes, recompute
			wantMeasured(t, c, "darts")
			wantMeasured(t, c, "zos")
		}
	}
}

func wantMeasured(t *testing.T, c settings.Experiment, name string) {
	t.Helper()
	r := check.Must(Predict(c.With(check.Must(method.Find(name))(t)), 1))(t)
	for _, p := range r.Programs {
		got := check.Must(meter.Measure(t.Context(), p.Program, ort.Options{Threads: 1}))(t)
		ratio := float64(p.Plan.Peak) / float64(got.Peak)
		t.Logf("%s, %s, passes %s, batch %d: predicted %d, measured %d, ratio %.3f", name, p.Name, c.Execution.Passes,
			c.Search.Batch, p.Plan.Peak, got.Peak, ratio)
		low, high := .94, 1.02
		if strings.HasPrefix(c.Execution.Passes, settings.PassesPortable) {
			low, high = .89, 1.04
		} else if c.Execution.Recompute == pass.RecomputeMax.String() {
			low = .9
		}
		if ratio < low || ratio > high {
			t.Errorf("%s, %s, passes %s, batch %d: ratio %.3f, want %.2f to %.2f", name, p.Name, c.Execution.Passes,
				c.Search.Batch, ratio, low, high)
		}
	}
}

// ONNX Runtime runs the nodes exactly in RuntimeOrder: its profile says so.
func TestRuntimeOrderMatchesProfile(t *testing.T) {
	openRuntime(t)
	m, err := method.Find("zos")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Predict(small(2).With(m), 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err = meter.Measure(t.Context(), r.Programs[0].Program, ort.Options{Threads: 1, Profile: filepath.Join(dir, "p")})
	if err != nil {
		t.Fatal(err)
	}
	got, want := profileOrder(t, dir), plan.FromGraph(r.Programs[0].Graph).RuntimeOrder()
	if !slices.Equal(got, want) {
		t.Errorf("%d nodes in the profile, %d planned; the orders differ", len(got), len(want))
	}
}

// profileOrder reads the indices of the nodes from the profile in a folder.
func profileOrder(t *testing.T, dir string) (order []int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "p*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("profiles %v, %v: want one", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Cat  string
		Args struct {
			Index *int `json:"node_index,string"`
		}
	}
	if err := json.Unmarshal(b, &events); err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Cat == "Node" && e.Args.Index != nil {
			order = append(order, *e.Args.Index)
		}
	}
	return order
}
