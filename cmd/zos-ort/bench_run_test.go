package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zos-ort/models/space"
)

func TestSpread(t *testing.T) {
	got := spreadOf([]float64{4, 1, 3, 2, 10})
	if want := (spread{1, 2, 3, 4, 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := spreadOf([]float64{2, 1}).Median, 1.5; got != want {
		t.Errorf("median %v, want %v", got, want)
	}
}

func TestBenchRowTakesTheFastestMode(t *testing.T) {
	row := rowOf(benchResult{Sides: []series{{ours, []float64{1, 3}}, {"eager", []float64{4, 4}},
		{"channels_last", []float64{2, 8}}}})
	if row.Mode != "channels_last" || row.Ratio.Fastest != .5 || row.Ratio.Median != .4 {
		t.Errorf("mode %s, ratio %+v", row.Mode, row.Ratio)
	}
	if row := rowOf(benchResult{Sides: []series{{ours, []float64{1}}}}); row.Ratio != nil {
		t.Errorf("a ratio without a peer: %+v", row.Ratio)
	}
}

func TestSlowModesAreLeftOut(t *testing.T) {
	modes := []string{"a", "b", "c"}
	results := []benchResult{{Sides: []series{{"a", []float64{1, 9}}, {"b", []float64{1.2}},
		{"c", []float64{1.4}}}}}
	if got := fastModes(results, modes); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %v", got)
	}
}

// fakePython makes a program that answers the peer's lines, one after the other, with the given
// ones, and then ends with an error.
func fakePython(t *testing.T, replies ...string) string {
	t.Helper()
	script := "#!/bin/sh\n"
	for _, r := range replies {
		script += "read line\necho '" + r + "'\n"
	}
	script += "read line || exit 0\necho 'Traceback' >&2\necho 'MemoryError: all gone' >&2\nexit 1\n"
	path := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func testCase(t *testing.T) benchCase {
	t.Helper()
	m, err := findMethod("darts")
	if err != nil {
		t.Fatal(err)
	}
	cfg := memoryConfig{Batch: 2, Channels: 4, Cells: 3, Image: 8, Passes: passesAll, Xi: .5, Masks: 1}
	return benchCase{cfg, m, space.FullMask(), 1}
}

func TestPeer(t *testing.T) {
	p, err := startPeer(t.Context(), fakePython(t, `{"torch": "2.0"}`, `{"parameters": 7}`,
		`{"seconds": 0.25}`, `{"error": "RuntimeError: no"}`, `nonsense`))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if p.version != "2.0" {
		t.Errorf("version %q", p.version)
	}
	if err := p.build(testCase(t), []string{"eager"}, 7); err != nil {
		t.Error(err)
	}
	if d, err := p.step("eager", "weight"); err != nil || d.Milliseconds() != 250 {
		t.Errorf("step took %v, %v", d, err)
	}
	for _, want := range []string{"peer: RuntimeError: no", `answered "nonsense"`,
		"peer: MemoryError: all gone"} {
		if _, err := p.step("eager", "weight"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestPeerWithAnotherNetwork(t *testing.T) {
	p, err := startPeer(t.Context(), fakePython(t, `{"torch": "2.0"}`, `{"parameters": 7}`))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	err = p.build(testCase(t), []string{"eager"}, 8)
	const want = "darts, batch 2, 1 thread: the peer's network has 7 weights, ours 8"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNoPeer(t *testing.T) {
	if _, err := startPeer(t.Context(), fakePython(t)); err == nil ||
		!strings.Contains(err.Error(), "MemoryError") {
		t.Errorf("a Python without PyTorch: %v", err)
	}
	if _, err := startPeer(t.Context(), "/nowhere/python"); err == nil {
		t.Error("no Python, no error")
	}
}
