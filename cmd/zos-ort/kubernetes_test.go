package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"zos-ort/cmd/internal/cells"
	"zos-ort/graphgen/check"
)

// indexedJob is what the kubelet needs of a manifest.
type indexedJob struct {
	Spec struct {
		Completions int
		Template    struct {
			Spec struct {
				Containers []struct{ Command []string }
			}
		}
	}
}

func readJob(t *testing.T, path string) (j indexedJob) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readFile(t, path)), &j); err != nil {
		t.Fatal(err)
	}
	return j
}

// index starts the container of an index.
func (j indexedJob) index(t *testing.T, i int) *exec.Cmd {
	t.Helper()
	command := j.Spec.Template.Spec.Containers[0].Command
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), cells.IndexVariable+"="+strconv.Itoa(i))
	cmd.Stderr = &strings.Builder{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// kill waits until the search of a cell has saved something and kills the container, all of its processes. It is gone
// once none of them holds the cell.
func kill(t *testing.T, cmd *exec.Cmd, cell string) {
	t.Helper()
	file := filepath.Join(cell, "search", "alphas.json")
	for end := time.Now().Add(4 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("%s is not there: %v", file, cmd.Stderr)
		}
	}
	if len(children(cmd.Process.Pid)) == 0 {
		t.Fatalf("nothing runs: %v", cmd.Stderr)
	}
	killTree(cmd.Process.Pid)
	if err := cmd.Wait(); err == nil {
		t.Fatal("the container ended before it was killed")
	}
	for end := time.Now().Add(time.Minute); cells.AtWork(cell); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a process of the container goes on")
		}
	}
}

// results are the columns of runs.csv that do not depend on time and memory.
func results(t *testing.T, sweep string) (lines []string) {
	t.Helper()
	text := readFile(t, filepath.Join(sweep, "runs.csv"))
	for _, row := range check.Must(csv.NewReader(strings.NewReader(text)).ReadAll())(t) {
		lines = append(lines, strings.Join(slices.Concat(row[:5], row[7:]), ";"))
	}
	return lines
}

// TestKubernetesIndexes runs the command line of every index of the Job as the kubelet does. Two of them are killed and
// begin again; the table is that of a sweep that nobody disturbed, and the next Job has nothing to do.
func TestKubernetesIndexes(t *testing.T) {
	needRuntime(t)
	volume := t.TempDir()
	args := strings.Fields("sweep --quiet --methods zos-rnd,random --seeds 2 --threads 1 --epochs 20 --warmup 1 --batch 8 " +
		"--network-channels 4 --network-cells 3 --channels 4 --cells 3 --image-size 8 --train-images 64")
	kube := slices.Concat(args, strings.Fields("--executor kubernetes --jobs 0 --kube-image zos-ort:test --kube-claim shared "+
		"--kube-mount "+volume+" --out "+filepath.Join(volume, "sweep")))
	sweep := filepath.Join(volume, "sweep")
	runProgram(t, kube...)
	job := readJob(t, filepath.Join(sweep, "kubernetes", "job-1.yaml"))
	if job.Spec.Completions != 4 {
		t.Fatalf("%d indexes", job.Spec.Completions)
	}
	for i := range job.Spec.Completions {
		cmd := job.index(t, i)
		if i < 2 {
			cell := filepath.Join(sweep, "cells", "built-in", "zos-rnd", fmt.Sprintf("seed-%d", i+1))
			kill(t, cmd, cell)
			if state := check.Must(cells.ReadCell(cell))(t).State(); state != cells.Running {
				t.Errorf("after the kill, index %d is %s", i, state)
			}
			cmd = job.index(t, i)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("index %d: %v: %v", i, err, cmd.Stderr)
		}
	}
	for i, want := range []int{2, 2, 1, 1} {
		id := strings.Fields(readFile(t, filepath.Join(sweep, "kubernetes", "cells-1.txt")))[i]
		if c := check.Must(cells.ReadCell(filepath.Join(sweep, id)))(t); c.State() != cells.Done || c.Phases[0].Attempts != want {
			t.Errorf("%s is %s after %d attempts, want %d", id, c.State(), c.Phases[0].Attempts, want)
		}
	}
	runProgram(t, kube...)
	if _, err := os.Stat(filepath.Join(sweep, "kubernetes", "job-2.yaml")); err == nil {
		t.Error("there is a second job though all is done")
	}
	whole := filepath.Join(volume, "whole")
	runProgram(t, append(args, "--out", whole)...)
	if got, want := results(t, sweep), results(t, whole); !slices.Equal(got, want) || len(got) != 5 {
		t.Errorf("the table is\n%s\nwithout kills it is\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
