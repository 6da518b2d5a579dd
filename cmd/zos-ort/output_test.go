package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Whatever a command prints, a full device is an error of one line.
func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full")
	}
	defer full.Close()
	t.Chdir(t.TempDir())
	for _, line := range []string{"help", "--version", "search --help", "man", "completion bash", "prune --dry-run", "search --dry-run",
		"search --dry-run --json", "prune --dry-run --json", "memory --batch 4 --cells 3 --channels 4 --methods zos",
		"memory --batch 4 --cells 3 --channels 4 --methods zos --json", "data", "data --json"} {
		var errs bytes.Buffer
		cmd := exec.Command("zos-ort", strings.Fields(line)...)
		cmd.Stdout, cmd.Stderr = full, &errs
		_ = cmd.Run() // the status says it
		status := cmd.ProcessState.ExitCode()
		text := errs.String()
		if at := strings.Index(text, "zos-ort: error: "); at >= 0 {
			text = text[at:]
		}
		if status != exitFailure || strings.Count(text, "\n") != 1 || !strings.Contains(text,
			"the output is not complete: write /dev/stdout: no space left on device") {
			t.Errorf("%s: status %d, %q", line, status, errs.String())
		}
	}
}
