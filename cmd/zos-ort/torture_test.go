package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"zos-ort/cmd/internal/rundir"
)

// TestTorture kills every command that writes at random moments, makes its system calls fail at random places, moves
// its folder and its clock in between, and compares what comes out in the end with what comes out of an undisturbed
// run. ZOS_KILL_SEED repeats a campaign.
func TestTorture(t *testing.T) {
	needRuntime(t)
	seed, n, faults := killSeed(t), deaths(t), faultsProgram(t)
	network := strings.Fields("--network-channels 4 --network-cells 3")
	died := tally{}
	for i, args := range [][]string{
		slices.Concat([]string{"search", "--method", "zos-rnd", "--epochs", "2", "--warmup", "1"}, network, tiny),
		slices.Concat([]string{"prune", "--pool", "none", "--settle", "0", "--repeats", "2"}, tinyPrune),
		strings.Fields("retrain --genotype DARTS_V2 --channels 4 --cells 3 --image-size 8 --train-images 64 --batch 8 " +
			"--epochs 2 --threads 2"),
	} {
		t.Run(args[0], func(t *testing.T) {
			v := newVictim(t, args, rand.New(rand.NewPCG(seed, uint64(i))))
			died.add(t, v.torture(t, n, faults))
		})
	}
	t.Run("export", func(t *testing.T) { died.add(t, tortureExport(t, n, faults, rand.New(rand.NewPCG(seed, 8)))) })
	t.Run("sweep", func(t *testing.T) { died.add(t, tortureSweep(t, n, rand.New(rand.NewPCG(seed, 9)))) })
	t.Log(died)
}

// victim is a command that is resumed after each death, and what it leaves when nothing disturbs it.
type victim struct {
	args       []string
	whole, dir string
	usual      time.Duration
	rng        *rand.Rand
}

func newVictim(t *testing.T, args []string, rng *rand.Rand) *victim {
	t.Helper()
	v := &victim{args: args, whole: filepath.Join(t.TempDir(), "whole"), rng: rng}
	start := time.Now()
	runProgram(t, append(slices.Clip(args), "--quiet", "--out", v.whole)...)
	v.usual = time.Since(start)
	return v
}

// torture lets the command die n times, in as many runs as it takes: one that came to its end is compared, and the
// next begins.
func (v *victim) torture(t *testing.T, n int, faults string) tally {
	t.Helper()
	died := tally{}
	var past []string
	for v.begin(t); died.total() < n && !t.Failed(); {
		d := drawDeath(v.rng, v.usual, faults)
		past = append(past, d.String())
		if d.die(t, faults, resumeOrStart(v.dir, v.args)) {
			died[d.kind()]++
			v.between(t)
			continue
		}
		v.compare(t, past)
		past = nil
		v.begin(t)
	}
	runProgram(t, resumeOrStart(v.dir, v.args)...)
	v.compare(t, past)
	return died
}

func (v *victim) begin(t *testing.T) { v.dir = filepath.Join(t.TempDir(), "pieces") }

func (v *victim) compare(t *testing.T, past []string) {
	t.Helper()
	if !rundir.Exists(v.dir) {
		return
	}
	runProgram(t, resumeOrStart(v.dir, v.args)...) // a fault that was survived may have left the page out
	for _, d := range differences(t, v.whole, v.dir) {
		t.Errorf("%s\nafter: %s", d, strings.Join(past, "\n       "))
	}
}

// between checks that no file is half, and at times moves the folder, or its times by decades, or has two processes
// resume it at once.
func (v *victim) between(t *testing.T) {
	t.Helper()
	if !rundir.Exists(v.dir) {
		return
	}
	switch v.rng.IntN(8) {
	case 0:
		moved := fmt.Sprintf("%s-%d", v.dir, v.rng.IntN(1e6))
		if err := os.Rename(v.dir, moved); err != nil {
			t.Fatal(err)
		}
		v.dir = moved
	case 1:
		v.twoWriters(t)
	case 2:
		when := time.Date(1980+v.rng.IntN(120), 1, 1, 0, 0, 0, 0, time.UTC)
		for _, path := range regularFiles(t, v.dir) {
			_ = os.Chtimes(path, when, when)
		}
	}
	for _, path := range regularFiles(t, v.dir) {
		if name := filepath.Base(path); !strings.HasPrefix(name, ".") && halfFile(t, path) {
			t.Errorf("%s is half", path)
		}
	}
}

// twoWriters resumes the run twice at the same time: one does the work, the other is refused or finds it done.
func (v *victim) twoWriters(t *testing.T) {
	t.Helper()
	if !rundir.Exists(filepath.Join(v.dir, "config.json")) {
		return
	}
	var said [2]strings.Builder
	var both [2]*exec.Cmd
	for i := range both {
		both[i] = exec.Command("zos-ort", resumeOrStart(v.dir, v.args)...)
		both[i].Stderr = &said[i]
		if err := both[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	refused := 0
	for i := range both {
		if err := both[i].Wait(); err != nil {
			refused++
			if !strings.Contains(said[i].String(), "is in use: another zos-ort writes into it") {
				t.Errorf("one of two writers: %v\n%s", err, said[i].String())
			}
		}
	}
	if refused == 2 {
		t.Errorf("both of two writers were refused")
	}
}

// halfFile says whether a file of text does not end with its line, or is empty.
func halfFile(t *testing.T, path string) bool {
	switch filepath.Ext(path) {
	case ".json", ".csv", ".html", ".md", ".svg", ".dot":
		content := readFile(t, path)
		return !strings.HasSuffix(content, "\n") && !strings.HasSuffix(content, ">") && !strings.HasSuffix(content, "}")
	}
	info, err := os.Stat(path)
	return err != nil || info.Size() == 0
}

// tortureExport: a model file is the whole one or not there.
func tortureExport(t *testing.T, n int, faults string, rng *rand.Rand) tally {
	t.Helper()
	died := tally{}
	dir := t.TempDir()
	run, whole := filepath.Join(dir, "run"), filepath.Join(dir, "whole.onnx")
	runProgram(t, strings.Fields("retrain --genotype DARTS_V2 --channels 4 --cells 3 --image-size 8 --train-images 64 "+
		"--batch 8 --epochs 1 --threads 2 --quiet --out "+run)...)
	start := time.Now()
	args := []string{"export", "--run", run, "--quiet", "--out"}
	runProgram(t, append(slices.Clip(args), whole)...)
	usual := time.Since(start)
	for i := 0; died.total() < n && !t.Failed(); i++ {
		out := filepath.Join(dir, fmt.Sprint(i), "m.onnx")
		if err := os.Mkdir(filepath.Dir(out), 0o755); err != nil {
			t.Fatal(err)
		}
		d := drawDeath(rng, usual, faults)
		if d.call != "size" {
			d.nth = 1 + d.nth%6 // an export makes few calls
		}
		if d.die(t, faults, append(slices.Clip(args), out)) {
			died[d.kind()]++
		}
		if rundir.Exists(out) && readFile(t, out) != readFile(t, whole) {
			t.Errorf("%v: %s is not the whole model", d, out)
		}
	}
	return died
}

// tortureSweep kills a sweep with its children, or a child alone.
func tortureSweep(t *testing.T, n int, rng *rand.Rand) tally {
	t.Helper()
	died := tally{}
	args := slices.Concat([]string{"sweep", "--methods", "zos-rnd,random", "--seeds", "1", "--jobs", "2", "--quiet", "--epochs", "2",
		"--warmup", "1", "--network-channels", "4", "--network-cells", "3"}, tiny, []string{"--out"})
	whole, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "pieces")
	start := time.Now()
	runProgram(t, append(slices.Clip(args), whole)...)
	usual := time.Since(start)
	for tries := 0; died.total() < n && tries < 4*n; tries++ {
		cmd := exec.Command("zos-ort", append(slices.Clip(args), dir)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		child, kind := rng.IntN(2) == 0, "kill with children"
		if child {
			kind = "kill of a child"
		}
		timer := time.AfterFunc(time.Duration(rng.Float64()*float64(usual)), func() {
			if child {
				killChild(cmd.Process.Pid)
			} else {
				killTree(cmd.Process.Pid)
			}
		})
		if cmd.Wait() != nil {
			died[kind]++
		} else {
			compareSweeps(t, whole, dir)
			dir = filepath.Join(t.TempDir(), "pieces")
		}
		timer.Stop()
	}
	runProgram(t, append(slices.Clip(args), dir)...)
	compareSweeps(t, whole, dir)
	return died
}

// compareSweeps compares the runs of all cells.
func compareSweeps(t *testing.T, whole, dir string) {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(whole, "cells", "*", "*", "*", "search"))
	if err != nil || len(runs) == 0 {
		t.Fatalf("runs %v, %v", runs, err)
	}
	for _, run := range runs {
		name, _ := filepath.Rel(whole, run)
		for _, d := range differences(t, run, filepath.Join(dir, name)) {
			t.Errorf("%s: %s", name, d)
		}
	}
}
