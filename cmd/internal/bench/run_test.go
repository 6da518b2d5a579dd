package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/settings"
	"zos-ort/models/method"
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

// times is a series of a side.
func times(side string, seconds ...float64) series { return series{Side: side, Seconds: seconds} }

func TestBenchRowTakesTheFastestMode(t *testing.T) {
	row := rowOf(benchResult{Sides: []series{times(ours, 1, 3), times(eagerMode, 4, 4),
		times(channelsLastMode, 2, 8)}})
	if row.Mode != channelsLastMode || row.Ratio.Fastest != .5 || row.Ratio.Median != .4 {
		t.Errorf("mode %s, ratio %+v", row.Mode, row.Ratio)
	}
	if row := rowOf(benchResult{Sides: []series{times(ours, 1)}}); row.Ratio != nil {
		t.Errorf("a ratio without a peer: %+v", row.Ratio)
	}
	lost := series{Side: eagerMode, Error: "out of memory"}
	if row := rowOf(benchResult{Sides: []series{times(ours, 1), lost}}); row.Peer != nil {
		t.Errorf("a mode without times gives %+v", row.Peer)
	}
}

func TestSlowModesAreLeftOut(t *testing.T) {
	modes := []string{"a", "b", "c", "d"}
	results := []benchResult{{Sides: []series{times("a", 1, 9), times("b", 1.2), times("c", 1.4),
		times("d")}}}
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

func testCase(t *testing.T) Case {
	t.Helper()
	m, err := method.Find("darts")
	if err != nil {
		t.Fatal(err)
	}
	e := settings.PaperOnCIFAR().With(m)
	e.Network.Channels, e.Network.Cells, e.Images.Size, e.Search.Batch = 4, 3, 8, 2
	e.Device.Threads = 1
	return Case{e, space.DARTS.FullMask()}
}

func TestPeer(t *testing.T) {
	p, err := startPeer(t.Context(), fakePython(t, `{"torch": "2.0"}`, `{"parameters": 7}`,
		`{"seconds": 0.25}`, `{"error": "RuntimeError: no"}`, `nonsense`), new(device.Device), settings.FP32)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if p.version != "2.0" {
		t.Errorf("version %q", p.version)
	}
	if err := p.build(testCase(t), eagerMode, 7); err != nil {
		t.Error(err)
	}
	if r, err := p.step(eagerMode, "weight"); err != nil || r.Seconds != .25 {
		t.Errorf("step took %v, %v", r.Seconds, err)
	}
	for _, want := range []string{"peer: RuntimeError: no", `answered "nonsense"`,
		"peer: MemoryError: all gone"} {
		if _, err := p.step(eagerMode, "weight"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestPeerWithAnotherNetwork(t *testing.T) {
	p, err := startPeer(t.Context(), fakePython(t, `{"torch": "2.0"}`, `{"parameters": 7}`), new(device.Device), settings.FP32)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	err = p.build(testCase(t), eagerMode, 8)
	const want = "the peer's network has 7 weights, ours 8"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNoPeer(t *testing.T) {
	if _, err := startPeer(t.Context(), fakePython(t), new(device.Device), settings.FP32); err == nil ||
		!strings.Contains(err.Error(), "MemoryError") {
		t.Errorf("a Python without PyTorch: %v", err)
	}
	if _, err := startPeer(t.Context(), "/nowhere/python", new(device.Device), settings.FP32); err == nil {
		t.Error("no Python, no error")
	}
}
