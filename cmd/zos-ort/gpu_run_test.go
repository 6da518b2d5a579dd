package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/ort"
	"zos-ort/ort/meter"
	"zos-ort/ort/standin"
)

// card runs the program under the stand-in for CUDA.
type card struct {
	t         *testing.T
	libraries string
}

// size is what the card has for the program, and what a convolution wants besides its tensors, in bytes.
type size struct{ bytes, workspace int }

var largeCard = size{bytes: 8e9}

func newCard(t *testing.T) card {
	t.Helper()
	if _, err := ort.LocateCUDA(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	return card{t, standin.Build(t)}
}

// run returns the exit status and what was printed.
func (c card) run(s size, args ...string) (status int, stdout, stderr string) {
	c.t.Helper()
	counts := filepath.Join(c.t.TempDir(), "counts")
	var out, messages strings.Builder
	cmd := exec.Command("zos-ort", args...)
	cmd.Env = append(os.Environ(), ort.CUDAPathVariable+"="+c.libraries, standin.CountsVariable+"="+counts,
		standin.BytesVariable+"="+strconv.Itoa(s.bytes), standin.WorkspaceVariable+"="+strconv.Itoa(s.workspace))
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), messages.String()
}

// json runs a command that succeeds, and reads its result.
func (c card) json(args ...string) (v map[string]any) {
	c.t.Helper()
	status, stdout, stderr := c.run(largeCard, append(args, "--json")...)
	if status != 0 {
		c.t.Fatalf("%v: status %d, %s", args, status, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		c.t.Fatalf("%v: %v", args, err)
	}
	return v
}

const onStandInCUDA = "--device cuda --channels 4 --cells 3 --image-size 8 --train-images 64 "

// A run on a GPU has the peaks of every epoch in its metrics, and the highest in its result. NVML sees
// what the pool takes, and the rest of the process.
func TestRunCountsGPUMemory(t *testing.T) {
	t.Parallel()
	c, dir := newCard(t), filepath.Join(t.TempDir(), "run")
	for _, command := range []string{"retrain --genotype DARTS_V2 --batch 8 --epochs 2",
		"search --method zos-rnd --derive alphas --batch 8 --epochs 2 --warmup 1 --network-channels 4 --network-cells 3"} {
		name, _, _ := strings.Cut(command, " ")
		out := filepath.Join(dir, name)
		got := c.json(append(strings.Fields(command+" "+onStandInCUDA), "--out", out)...)["gpu_memory"]
		rows := check.Must(csv.NewReader(strings.NewReader(readFile(t, filepath.Join(out, "metrics.csv")))).
			ReadAll())(t)
		head := len(rows[0]) - len(meter.Figures)
		highest := make([]float64, len(meter.Figures))
		for _, row := range rows[1:] {
			for i, cell := range row[head:] {
				highest[i] = max(highest[i], check.Must(strconv.ParseFloat(cell, 64))(t))
			}
		}
		peaks := got.(map[string]any)
		result := []float64{peaks["pool_peak_bytes"].(float64), peaks["pool_reserved_bytes"].(float64),
			peaks["device_peak_bytes"].(float64), peaks["process_peak_bytes"].(float64)}
		if len(rows) != 3 || rows[0][head] != "gpu_pool_peak_bytes" || !slices.Equal(highest, result) {
			t.Errorf("%s: the result has %v, the epochs %v at most: %v", name, result, highest, rows)
		}
		// Both are read one after the other, and the run takes memory in between.
		between := math.Abs(result[2] - result[3] - 1e8)
		if result[0] < 1e5 || result[1] < result[0] || result[3] < 1e8 || between > 1e6 {
			t.Errorf("%s: impossible figures %v", name, result)
		}
	}
}

// measure puts the pool and the device beside the prediction, for searches and retrainings.
func TestMeasureOnGPU(t *testing.T) {
	t.Parallel()
	c := newCard(t)
	for _, what := range []string{"--methods pc-darts", "--retrain DARTS_V2"} {
		args := "memory --measure --device cuda --channels 4 --cells 3 --image-size 8 --batch 8 " + what
		rows := c.json(strings.Fields(args)...)["rows"].([]any)
		if len(rows) != 2 {
			t.Fatalf("%s: %d programs", what, len(rows))
		}
		for _, r := range rows {
			row := r.(map[string]any)
			measured, ok := row["measured_peak_bytes"].(float64)
			if !ok {
				measured = row["measured_live_peak_bytes"].(float64)
			}
			g := row["gpu_memory"].(map[string]any)
			if pool := g["pool_peak_bytes"].(float64); measured <= 0 || pool < measured ||
				g["device_peak_bytes"].(float64) < 2e8 {
				t.Errorf("%s: %v", what, row)
			}
		}
	}
	if _, out, _ := c.run(largeCard, strings.Fields("memory --measure --device cuda --channels 4 --cells 3 "+
		"--image-size 8 --batch 8 --retrain DARTS_V2")...); !strings.Contains(out, "device (NVML)") {
		t.Errorf("the table has no column of the device:\n%s", out)
	}
}

// A run that the card is too small for ends with one line and a hint; what it has
// saved is whole, and with more memory it goes on.
func TestOutOfGPUMemory(t *testing.T) {
	t.Parallel()
	c := newCard(t)
	for _, x := range []struct {
		card                 size
		command, flag, batch string
		says                 string
	}{
		{size{4e6, 3e6}, "search --method zos-rnd --epochs 1 --warmup 0 --network-channels 4 --network-cells 3",
			"--batch", "32", "scratch memory of convolutions, and 4000000 bytes (0.0 GiB) are free: try --batch 16"},
		{size{1e6, 0}, "prune", "--prune-batch", "64", "1000000 bytes (0.0 GiB) are free; --prune-batch "},
		{size{1e6, 0}, "retrain --genotype DARTS_V2 --epochs 1", "--batch", "64", "1000000 bytes (0.0 GiB) are " +
			"free; "},
	} {
		name, _, _ := strings.Cut(x.command, " ")
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			args := append(strings.Fields(x.command+" --quiet --ignore-memory "+onStandInCUDA), x.flag, x.batch,
				"--out", dir)
			status, _, stderr := c.run(x.card, args...)
			if status != exitFailure || !oneError.MatchString(stderr) || !strings.Contains(stderr,
				"out of GPU memory: ") {
				t.Fatalf("status %d, standard error:\n%s", status, stderr)
			}
			for _, words := range []string{x.flag + " " + x.batch + " needs", x.says, "--resume " + dir} {
				if !strings.Contains(stderr, words) {
					t.Errorf("%q is not said:\n%s", words, stderr)
				}
			}
			status, _, stderr = c.run(largeCard, name, "--quiet", "--resume", dir, x.flag, "8")
			if status != exitFailure || !strings.Contains(stderr, "cannot resume") {
				t.Errorf("another batch: status %d, %s", status, stderr)
			}
			if name == "prune" { // takes longer than the others together
				return
			}
			if status, _, stderr = c.run(largeCard, name, "--quiet", "--resume", dir); status != 0 {
				t.Errorf("with more memory: status %d, %s", status, stderr)
			}
		})
	}
}
