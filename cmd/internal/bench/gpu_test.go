package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
)

// The peer is something that Python compiles.
func TestPeerCompiles(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	path := filepath.Join(t.TempDir(), "peer.py")
	if err := os.WriteFile(path, peerScript, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-m", "py_compile", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// testPython is a Python whose answers are the lines of a shell's case statement over the requests, before
// those that every step gets.
func testPython(t *testing.T, cases string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	script := "#!/bin/sh\nwhile read -r q; do case \"$q\" in\n" + cases + `
*'"hello"'*) echo '{"torch": "2.0"}';;
*'"build"'*) echo '{"parameters": 7}';;
*'"step"'*) echo '{"seconds": 0.5, "peak": 4000000, "reserved": 6000000}';;
*) echo '{}';;
esac; done
`
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// testPeer is a bench with such a Python as its peer, in all modes.
func testPeer(t *testing.T, cases string) *bencher {
	t.Helper()
	p, err := startPeer(t.Context(), testPython(t, cases), new(device.Device), settings.FP32)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return &bencher{peer: p, all: peerModes(true), console: terminal.New(t.Output(), new(bytes.Buffer), false, false)}
}

// alone are the results of a peer alone in all its modes, and what was said.
func alone(t *testing.T, b *bencher) (results []benchResult, said string) {
	t.Helper()
	c := testCase(t)
	c.Device.GPU = true
	results = c.results()
	if err := b.modesAlone(t.Context(), results, 7, time.Minute); err != nil {
		t.Fatal(err)
	}
	return results, b.console.Err.(*bytes.Buffer).String()
}

func TestPeerAlone(t *testing.T) {
	results, said := alone(t, testPeer(t, ""))
	for _, r := range results {
		for _, mode := range peerModes(true) {
			s := r.side(mode)
			if len(s.Seconds) != maxRounds || s.Seconds[0] != .5 || s.Peak != 4e6 || s.Reserved != 6e6 {
				t.Errorf("%s, %s: %+v", r.Program, mode, s)
			}
		}
	}
	if said != "" {
		t.Errorf("said %q", said)
	}
}

// A lack of memory ends a series and no more; any other error ends its mode, and the end of the process
// ends the peer. What was measured stays.
func TestPeerFailsAlone(t *testing.T) {
	const lacks = `echo '{"error": "OutOfMemoryError: CUDA out of memory. Tried", "memory": true}';;`
	b := testPeer(t, `*'"step"'*'"eager"'*'"weight"'*) `+lacks+`
*'"build"'*'"channels_last"'*) `+lacks+`
*'"step"'*'"compiled"'*'"alpha"'*) echo '{"error": "InductorError: no"}';;`)
	results, said := alone(t, b)
	for i, want := range [][]string{{"out of memory", "out of memory", ""},
		{"", "out of memory", "peer: InductorError: no"}, {"", "out of memory", ""}} {
		for j, mode := range peerModes(true) {
			if got := results[i].side(mode).Error; got != want[j] {
				t.Errorf("%s, %s: error %q, want %q", results[i].Program, mode, got, want[j])
			}
		}
	}
	if n := len(results[0].side(compiledMode).Seconds); n != maxRounds {
		t.Errorf("the steps before the error: %d", n)
	}
	if !slices.Equal(b.all, []string{eagerMode, channelsLastMode}) {
		t.Errorf("modes that go on: %v", b.all)
	}
	const want = `darts, batch 2, weight, eager: peer: out of memory (OutOfMemoryError: CUDA out of memory. Tried)
darts, batch 2, channels_last: peer: out of memory (OutOfMemoryError: CUDA out of memory. Tried)
darts, batch 2, alpha, compiled: peer: InductorError: no
`
	if said != want {
		t.Errorf("said %s, want %s", said, want)
	}
}

// What makes a compiled step has a limit, and no other step.
func TestPeerHasPatience(t *testing.T) {
	b := testPeer(t, `*'"step"'*'"limit":90'*) echo '{"error": "TimeoutError: given up after 90 s"}';;`)
	b.peer.limit = 90 * time.Second
	results, said := alone(t, b)
	if got := results[0].side(compiledMode).Error; got != "peer: TimeoutError: given up after 90 s" || !strings.Contains(said, got) {
		t.Errorf("error %q, said %q", got, said)
	}
	if !slices.Equal(b.all, []string{eagerMode, channelsLastMode}) || len(results[2].side(eagerMode).Seconds) != maxRounds {
		t.Errorf("modes that go on: %v", b.all)
	}
}

// A peer that is interrupted ends with the processes that it has started.
func TestPeerLeavesNoProcess(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	p, err := startPeer(ctx, testPython(t, `*'"step"'*) sleep 300 & echo $! >`+pid+`; wait;;`), new(device.Device), settings.FP32)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for !fileThere(pid) {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := p.step(compiledMode, "weight"); err == nil {
		t.Error("a killed peer has answered")
	}
	os.RemoveAll(p.folder)
	child, err := strconv.Atoi(strings.TrimSpace(string(check.Must(os.ReadFile(pid))(t))))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); alive(child); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d is left", child)
		}
	}
}

// fileThere says whether a file has content.
func fileThere(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}

// alive says whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestPeerEndsAlone(t *testing.T) {
	b := testPeer(t, `*'"step"'*'"alpha"'*) echo 'torch.AcceleratorError: lost' >&2; exit 1;;`)
	results, said := alone(t, b)
	if n := len(results[0].side(eagerMode).Seconds); n != maxRounds {
		t.Errorf("the steps before the end: %d", n)
	}
	if len(b.all) > 0 || said != "darts, batch 2, alpha, eager: peer: torch.AcceleratorError: lost\n" {
		t.Errorf("%v go on, said %q", b.all, said)
	}
}

// A table with every kind of line.
func TestGPUTable(t *testing.T) {
	c := testCase(t)
	c.Device.GPU = true
	side := func(name string, ms, mb float64) series {
		return series{Side: name, Seconds: []float64{ms / 1e3}, Peak: int64(mb * 1e6)}
	}
	lacks := series{Side: channelsLastMode, Error: errMemory.Error()}
	fails := series{Side: compiledMode, Error: "peer: InductorError: no"}
	results := c.results()
	results[0].Sides = []series{side(ours, 2, 10), side(eagerMode, 4, 20), lacks, side(compiledMode, 1, 40)}
	results[1].Sides = []series{side(ours, 3, 11), side(eagerMode, 2, 20), fails}
	results[2].Sides = []series{{Side: ours, Error: errMemory.Error()}, side(eagerMode, 4, 20)}
	report := benchReport{Torch: "2.0", Device: "cuda:0", Precision: settings.TF32, GPUKernels: settings.StockKernels,
		CUDAGraphs: settings.GraphsOff}
	for _, r := range results {
		report.Rows = append(report.Rows, rowOf(r))
	}
	want := [][]string{
		{"darts", "2", "weight", "2.0  2.0 [2.0, 2.0]", "10.0", "eager", "4.0  4.0 [4.0, 4.0]", "20.0", "0.50",
			"0.50", "met"},
		{"", "", "", "", "", "channels_last", "out of memory", "-", "-", "-", "-"},
		{"", "", "", "", "", "compiled", "1.0  1.0 [1.0, 1.0]", "40.0", "2.00", "0.25", "-"},
		{"darts", "2", "alpha", "3.0  3.0 [3.0, 3.0]", "11.0", "eager", "2.0  2.0 [2.0, 2.0]", "20.0", "1.50",
			"0.55", "missed: time, memory"},
		{"", "", "", "", "", "compiled", "failed", "-", "-", "-", "-"},
		{"darts", "2", "rank", "out of memory", "-", "eager", "4.0  4.0 [4.0, 4.0]", "20.0", "-", "-", "-"},
	}
	var got [][]string
	for _, row := range report.Rows {
		got = append(got, row.gpuLines(len(want[0]))...)
	}
	if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	var out bytes.Buffer
	if err := report.print(terminal.New(&out, t.Output(), false, false)); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"one step on cuda:0, tf32, kernels stock, CUDA graphs off:", "missed: time, memory",
		"at most as long in 1 of 2 comparisons, at most half the memory in 1"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("the table lacks %q:\n%s", words, out.String())
		}
	}
	if err := report.print(terminal.New(&out, io.Discard, true, false)); err != nil {
		t.Error(err)
	}
}
