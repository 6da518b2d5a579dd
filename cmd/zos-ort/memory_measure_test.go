package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/plan"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// smallMemory is a supernet of three cells, two of which reduce.
func smallMemory(batch int) memoryConfig {
	return memoryConfig{Batch: batch, Channels: 8, Cells: 3, Image: 16, Passes: passesAll, Xi: .5,
		Masks: 1, Seed: 1}
}

func openRuntime(t *testing.T) {
	t.Helper()
	if err := ort.Open(""); err != nil {
		t.Skipf("no ONNX Runtime: %v", err)
	}
}

// The prediction is what ONNX Runtime's arena counts, for every program of every kind of method at
// three batch sizes: to the byte for most, a few percent below where kernels take scratch memory.
func TestPredictionMatchesArena(t *testing.T) {
	if testing.Short() {
		t.Skip("makes dozens of sessions of thousands of nodes")
	}
	openRuntime(t)
	for _, name := range []string{"darts", "pc-darts", "zos", "darts-rnd", "etenas", "etenas-pc"} {
		for _, batch := range []int{2, 4, 8} {
			wantMeasured(t, smallMemory(batch), name)
		}
	}
	for _, passes := range []string{passesNone, passesPortable + ",recompute"} {
		c := smallMemory(4)
		c.Passes = passes
		wantMeasured(t, c, "zos")
	}
}

func wantMeasured(t *testing.T, c memoryConfig, name string) {
	t.Helper()
	r := check.Must(c.predict(check.Must(method.Find(name))(t)))(t)
	for _, p := range r.programs {
		got := check.Must(meter.Measure(t.Context(), p.Program, ort.Options{Threads: 1}))(t)
		ratio := float64(p.plan.Peak) / float64(got.Peak)
		t.Logf("%s, %s, passes %s, batch %d: predicted %d, measured %d, ratio %.3f", name, p.Name, c.Passes,
			c.Batch, p.plan.Peak, got.Peak, ratio)
		if ratio < .95 || ratio > 1.02 {
			t.Errorf("%s, %s, passes %s, batch %d: ratio %.3f, want .95 to 1.02", name, p.Name, c.Passes, c.Batch,
				ratio)
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
	r, err := smallMemory(2).predict(m)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err = meter.Measure(t.Context(), r.programs[0].Program, ort.Options{Threads: 1, Profile: filepath.Join(dir, "p")})
	if err != nil {
		t.Fatal(err)
	}
	got, want := profileOrder(t, dir), plan.FromGraph(r.programs[0].Graph).RuntimeOrder()
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
