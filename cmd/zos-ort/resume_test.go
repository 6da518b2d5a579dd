package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"zos-ort/cmd/internal/rundir"
)

// kills is how often each command is killed.
const kills = 7

// killSeed chooses the moments of the kills: ZOS_KILL_SEED where it is set, else a new one, which a
// failure prints.
func killSeed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("ZOS_KILL_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("ZOS_KILL_SEED: %v", err)
		}
	}
	t.Logf("the same moments again: ZOS_KILL_SEED=%d", seed)
	return seed
}

// TestKilledRunsEndTheSame kills every long command several times at seeded moments, resumes it each
// time, and compares all files with those of an uninterrupted run.
func TestKilledRunsEndTheSame(t *testing.T) {
	needRuntime(t)
	seed := killSeed(t)
	network := strings.Fields("--network-channels 4 --network-cells 3")
	for i, args := range [][]string{
		slices.Concat([]string{"search", "--epochs", "3", "--warmup", "1", "--perturb-images", "16"}, network, tinyPreset),
		slices.Concat([]string{"search", "--epochs", "3", "--warmup", "1", "--select", "2", "--select-epochs", "4",
			"--method", "zos-rnd"}, network, tiny),
		slices.Concat([]string{"prune", "--pool", "none", "--settle", "0", "--repeats", "3"}, tinyPrune),
		strings.Fields("retrain --genotype DARTS_V2 --channels 4 --cells 3 --image-size 8 " +
			"--train-images 256 --batch 8 --epochs 3 --threads 2"),
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			whole, pieces := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "pieces")
			start := time.Now()
			runProgram(t, append(args, "--quiet", "--out", whole)...)
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			moments := killed(t, rng, time.Since(start), pieces, args)
			for _, d := range differences(t, whole, pieces) {
				t.Errorf("killed after %v: %s", moments, d)
			}
		})
	}
}

// killed runs a command in pieces that end with a kill, each after a random part of the usual time; the
// last one runs to its end.
func killed(t *testing.T, rng *rand.Rand, usual time.Duration, dir string, args []string) (
	moments []time.Duration) {
	t.Helper()
	for len(moments) < kills {
		moment := time.Duration(rng.Float64() * float64(usual))
		cmd := exec.Command("zos-ort", resumeOrStart(dir, args)...)
		var output strings.Builder
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(moment, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		moments = append(moments, moment)
		if err == nil {
			usual = usual * 4 / 5 // it was done before: kill earlier
		} else if cmd.ProcessState.ExitCode() >= 0 {
			t.Fatalf("killed after %v: %v\n%s", moments, err, output.String())
		}
	}
	runProgram(t, resumeOrStart(dir, args)...)
	return moments
}

// resumeOrStart are the arguments that go on with the run in a folder, or start it if it was killed
// before it wrote its settings.
func resumeOrStart(dir string, args []string) []string {
	if rundir.Exists(filepath.Join(dir, "config.json")) {
		return []string{args[0], "--resume", dir, "--quiet"}
	}
	return append(slices.Clip(args), "--quiet", "--out", dir)
}

// differences compares all files of two runs, but for the times that they took.
func differences(t *testing.T, a, b string) (found []string) {
	t.Helper()
	files := func(dir string) (names []string) {
		for _, path := range regularFiles(t, dir) {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return names
	}
	names := files(a)
	if other := files(b); !slices.Equal(names, other) {
		return []string{fmt.Sprintf("files %q, want %q", other, names)}
	}
	for _, name := range names {
		x, y := readFile(t, a, name), readFile(t, b, name)
		switch {
		case slices.Contains([]string{"timing.csv", "run.json", "result.json", "report.html", "MODEL_CARD.md",
			"events.out.tfevents.0.zos-ort"}, name):
			continue
		case strings.HasPrefix(name, "checkpoints") && strings.HasSuffix(name, ".json"):
			x, y = timeless(t, x), timeless(t, y)
		}
		if x != y {
			found = append(found, name+" differs")
		}
	}
	return found
}

// timeless is a checkpoint without the times in it, and so without its sum.
func timeless(t *testing.T, text string) string {
	t.Helper()
	var checkpoint map[string]any
	if err := json.Unmarshal([]byte(text), &checkpoint); err != nil {
		t.Fatal(err)
	}
	content := checkpoint["content"].(map[string]any)
	for _, key := range []string{"Time", "Times", "Seconds"} {
		delete(content, key)
	}
	if last, ok := content["Last"].(map[string]any); ok {
		delete(last, "Time")
	}
	delete(checkpoint, "content_sha256")
	b, err := json.Marshal(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestResumeFromTheCheckpointBefore: a damaged checkpoint is named, and the one before serves.
func TestResumeFromTheCheckpointBefore(t *testing.T) {
	needRuntime(t)
	args := strings.Fields("retrain --genotype DARTS_V2 --channels 4 --cells 3 --image-size 8 " +
		"--train-images 256 --batch 8 --epochs 3 --threads 2 --quiet")
	whole, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "run")
	runProgram(t, append(args, "--out", whole)...)
	status, _, stderr := signalled(t, os.Interrupt, filepath.Join(dir, "checkpoints/retrain/0002-000000.json"),
		append(args, "--out", dir)...)
	if status != exitInterrupt {
		t.Fatalf("status %d: %s", status, stderr)
	}
	states, err := filepath.Glob(filepath.Join(dir, "checkpoints/retrain/*.state"))
	if err != nil || len(states) != 2 {
		t.Fatalf("states %q, %v", states, err)
	}
	if err := os.Truncate(states[1], 100); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("zos-ort", "retrain", "--resume", dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, out)
	}
	for _, words := range []string{states[1] + " is damaged", "using the checkpoint before it", "resuming at"} {
		if !strings.Contains(string(out), words) {
			t.Errorf("no %q in:\n%s", words, out)
		}
	}
	for _, d := range differences(t, whole, dir) {
		t.Error(d)
	}
}
