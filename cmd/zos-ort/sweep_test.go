package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"zos-ort/cmd/internal/cells"
	"zos-ort/graphgen/check"
)

// TestSweepInterrupted: the children save, the program ends with the signal's status, the same command
// goes on, and what comes out is what comes out without an interrupt.
func TestSweepInterrupted(t *testing.T) {
	needRuntime(t)
	dir := filepath.Join(t.TempDir(), "sweep")
	args := append([]string{"sweep", "--methods", "zos-rnd,random", "--seeds", "1", "--jobs", "2", "--epochs",
		"20", "--warmup", "1", "--network-channels", "4", "--network-cells", "3"}, tiny...)
	cell := filepath.Join("cells", "built-in", "zos-rnd", "seed-1")
	status, stdout, stderr := signalled(t, os.Interrupt, filepath.Join(dir, cell, "search", "alphas.json"),
		append(args, "--out", dir)...)
	if status != exitInterrupt || stdout != "" || strings.Contains(stderr, "error") {
		t.Errorf("status %d, want %d; output %q %q", status, exitInterrupt, stdout, stderr)
	}
	c := check.Must(cells.ReadCell(filepath.Join(dir, cell)))(t)
	if c.State() != cells.Interrupted {
		t.Errorf("the cell is %s: %s", c.State(), c.Err())
	}
	if !strings.Contains(readFile(t, filepath.Join(dir, "runs.csv")), "zos-rnd,1,interrupted") {
		t.Error("the table was not written")
	}
	runProgram(t, append(args, "--quiet", "--out", dir)...)
	c = check.Must(cells.ReadCell(filepath.Join(dir, cell)))(t)
	if c.State() != cells.Done || c.Phases[0].Attempts != 2 {
		t.Errorf("later the cell is %s after %d attempts: %s", c.State(), c.Phases[0].Attempts, c.Err())
	}
	whole := filepath.Join(t.TempDir(), "whole")
	runProgram(t, append(args, "--quiet", "--out", whole)...)
	for _, file := range []string{"genotype.json", "metrics.csv", "alphas.json"} {
		name := filepath.Join(cell, "search", file)
		if readFile(t, filepath.Join(dir, name)) != readFile(t, filepath.Join(whole, name)) {
			t.Errorf("%s differs from that of a sweep without interrupt", file)
		}
	}
}

// TestSweepInBackground: a shell starts a sweep in the background with interrupts ignored, which its children inherit; a
// termination signal stops them all the same.
func TestSweepInBackground(t *testing.T) {
	needRuntime(t)
	signal.Ignore(os.Interrupt)
	defer signal.Reset(os.Interrupt)
	dir := filepath.Join(t.TempDir(), "sweep")
	cell := filepath.Join(dir, "cells", "built-in", "zos-rnd", "seed-1")
	status, _, stderr := signalled(t, syscall.SIGTERM, filepath.Join(cell, "search", "alphas.json"), append([]string{"sweep",
		"--methods", "zos-rnd", "--seeds", "1", "--epochs", "2000", "--warmup", "1", "--network-channels", "4", "--network-cells", "3",
		"--out", dir}, tiny...)...)
	if status != exitTerminate || strings.Contains(stderr, "still") {
		t.Errorf("status %d, want %d: %s", status, exitTerminate, stderr)
	}
	if c := check.Must(cells.ReadCell(cell))(t); c.State() != cells.Interrupted {
		t.Errorf("the cell is %s: %s", c.State(), c.Err())
	}
}

// TestSweepWithKilledRuns kills every tenth of the 24 runs of a sweep at a random moment. The same command then ends
// complete: every file is as in a sweep that nobody disturbed, and only the killed runs were begun twice.
func TestSweepWithKilledRuns(t *testing.T) {
	needRuntime(t)
	const runs, killed = 24, 3
	rng := rand.New(rand.NewPCG(killSeed(t), 10))
	args := slices.Concat(strings.Fields("sweep --quiet --methods zos-rnd,darts-rnd --seeds 12 --jobs 2 --threads 2 --epochs 2 "+
		"--warmup 1 --network-channels 4 --network-cells 3"), tiny, []string{"--out"})
	whole, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "pieces")
	start := time.Now()
	runProgram(t, append(slices.Clip(args), whole)...)
	life := 2 * time.Since(start) / runs
	t.Logf("%d runs of about %v", runs, life)

	cmd := exec.Command("zos-ort", append(slices.Clip(args), dir)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := killSome(cmd.Process.Pid, ended, rng, runs, killed, life); err == nil {
		t.Error("a sweep whose runs were killed ends well")
	}
	failed, _ := attempts(t, dir, cells.Failed)
	if failed == 0 || failed > killed {
		t.Errorf("%d runs have failed, want %d", failed, killed)
	}
	runProgram(t, append(slices.Clip(args), dir)...)

	compareSweeps(t, whole, dir)
	if got, want := results(t, dir), results(t, whole); !slices.Equal(got, want) || len(got) != 1+runs {
		t.Errorf("the table is\n%s\nundisturbed it is\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if done, made := attempts(t, dir, cells.Done); done != runs || made != runs+failed {
		t.Errorf("%d runs are done after %d attempts, want %d after %d", done, made, runs, runs+failed)
	}
}

// attempts counts the searches of a sweep that are in a state, and how often they were begun.
func attempts(t *testing.T, sweep string, state cells.State) (in, made int) {
	t.Helper()
	for _, path := range check.Must(filepath.Glob(filepath.Join(sweep, "cells", "*", "*", "*")))(t) {
		if c := check.Must(cells.ReadCell(path))(t); c.State() == state {
			in, made = in+1, made+c.Phases[0].Attempts
		}
	}
	return in, made
}

// killSome kills n of about so many children that a process starts, chosen at random, each at a random moment of its
// life, and waits for the process. The next child replaces one that has ended before its moment.
func killSome(pid int, ended <-chan error, rng *rand.Rand, starts, n int, life time.Duration) error {
	chosen := rng.Perm(starts - n)[:n] // leaves some to replace those that end first
	moments := map[int]time.Time{}     // of the children known; zero where nothing is to come
	for {
		select {
		case err := <-ended:
			return err
		case <-time.After(2 * time.Millisecond):
		}
		alive := children(pid)
		for _, child := range alive {
			if _, known := moments[child]; known {
				continue
			}
			var moment time.Time
			if slices.Contains(chosen, len(moments)) {
				moment = time.Now().Add(time.Duration(rng.Float64() * float64(life)))
			}
			moments[child] = moment
		}
		for child, moment := range moments {
			lives := slices.Contains(alive, child)
			switch {
			case moment.IsZero() || lives && time.Now().Before(moment):
				continue
			case lives:
				_ = syscall.Kill(child, syscall.SIGKILL)
			default:
				chosen = append(chosen, len(moments))
			}
			moments[child] = time.Time{}
		}
	}
}
