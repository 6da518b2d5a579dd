package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/ort"
	"zos-ort/ort/standin"
)

// ranks runs the program as n ranks under the stand-in for CUDA.
func (c card) ranks(n int, args ...string) (stderr string, counts standin.Counts) {
	c.t.Helper()
	launcher, err := exec.LookPath("mpirun.openmpi")
	if err != nil {
		c.t.Skip("skipped: no MPI here: mpirun.openmpi is missing")
	}
	program, err := exec.LookPath("zos-ort")
	if err != nil {
		c.t.Fatal(err)
	}
	file := filepath.Join(c.t.TempDir(), "counts")
	var messages strings.Builder
	cmd := exec.Command(launcher, append(strings.Fields(fmt.Sprintf("--allow-run-as-root --oversubscribe --bind-to none -n %d %s",
		n, program)), args...)...)
	cmd.Env = append(os.Environ(), ort.CUDAPathVariable+"="+c.libraries, standin.CountsVariable+"="+file, "TMPDIR="+c.t.TempDir())
	cmd.Stderr = &messages
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("%v: %v\n%s", args, err, messages.String())
	}
	return messages.String(), standin.Read(c.t, file)
}

// Ranks on GPUs sum by NCCL on the stream of the sessions. Without NCCL they sum through the memory of the host, say so
// once, and come to the same bits: two numbers have one sum.
func TestRanksOnGPUs(t *testing.T) {
	c, dir := newCard(t), t.TempDir()
	args := strings.Fields("search --method zos-rnd --derive alphas --batch 8 --epochs 2 --warmup 1 --network-channels 4 " +
		"--network-cells 3 " + onStandInCUDA)
	said, counts := c.ranks(2, append(args, "--out", filepath.Join(dir, "nccl"))...)
	if strings.Count(said, "sums over the ranks: NCCL 2.32.3 on the GPUs") != 1 {
		t.Errorf("got %s", said)
	}
	if counts.Strays != 0 || counts.OnDevice == 0 {
		t.Errorf("counts %+v", counts)
	}
	if !strings.Contains(readFile(t, filepath.Join(dir, "nccl", "result.json")), `"ranks": 2`) {
		t.Error("the result is not that of two ranks")
	}
	if err := os.Remove(filepath.Join(c.libraries, "libnccl.so.2")); err != nil {
		t.Fatal(err)
	}
	said, _ = c.ranks(2, append(args, "--out", filepath.Join(dir, "host"))...)
	if strings.Count(said, "through the memory of the host (NCCL: libnccl.so.2 is missing: pip install nvidia-nccl-cu13)") != 1 {
		t.Errorf("got %s", said)
	}
	for _, name := range []string{"alphas.json", "genotype.json"} {
		if a, b := readFile(t, filepath.Join(dir, "nccl", name)), readFile(t, filepath.Join(dir, "host", name)); a != b {
			t.Errorf("%s differs with and without NCCL", name)
		}
	}
}
