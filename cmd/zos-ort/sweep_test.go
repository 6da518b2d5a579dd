package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
