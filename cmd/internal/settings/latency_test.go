package settings

import (
	"os"
	"path/filepath"
	"testing"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/graphgen/check"
)

// A run keeps the table that it began with, and uses its copy when the file is gone.
func TestKeepCosts(t *testing.T) {
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "table.json")
	if err := os.WriteFile(file, []byte("first"), 0o644); err != nil {
		t.Fatal(err)
	}
	e := Quick()
	e.Budget = Budget{Latency: "20ms", Costs: file}
	if err := e.KeepCosts(rundir.Dir(folder)); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(folder, rundir.CostsFile)
	if b := check.Must(os.ReadFile(kept))(t); string(b) != "first" || e.Budget.Costs != kept {
		t.Errorf("kept %q, used %s", b, e.Budget.Costs)
	}
	before := Quick()
	before.Budget = Budget{Latency: "20ms", Costs: file}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	r := Resolved{Experiment: before, before: &before}
	if err := r.keepCosts(folder); err != nil || r.Budget.Costs != kept || before.Budget.Costs != kept {
		t.Errorf("resumed with %s (%v), want %s", r.Budget.Costs, err, kept)
	}
	other := filepath.Join(folder, "other.json")
	if err := os.WriteFile(other, []byte("second"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.Budget.Costs = other
	check.Error(t, r.keepCosts(folder), "cannot resume: the latencies of "+other+" are not those of the run")
	if err := os.WriteFile(other, []byte("first"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.keepCosts(folder); err != nil || r.Budget.Costs != kept {
		t.Errorf("the same table under another name: %v, used %s", err, r.Budget.Costs)
	}
}

// The least latency as it is printed is a limit that something meets.
func TestPrintLatency(t *testing.T) {
	for ms, want := range map[float64]string{20: "20.000 ms", 1.23401: "1.235 ms", .0004: "0.001 ms"} {
		if got := printLatency(ms); got != want {
			t.Errorf("%v is printed as %s, want %s", ms, got, want)
		}
	}
}
