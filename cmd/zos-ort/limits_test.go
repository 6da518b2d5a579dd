package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestEveryLimitLeavesOneLine: whatever address space is left, a training ends well or with one line of error; nobody
// sees a dump of the Go runtime or of C++.
func TestEveryLimitLeavesOneLine(t *testing.T) {
	needRuntime(t)
	if runtime.GOOS != "linux" {
		t.Skip("limits are tried on Linux alone")
	}
	said := regexp.MustCompile(`(?s)^(zos-ort: [^\n]+\n)*$`)
	ended := map[bool]int{}
	for kib := 1_300_000; kib <= 1_900_000; kib += 40_000 {
		args := strings.Fields("retrain --genotype DARTS_V2 --channels 4 --cells 3 --image-size 8 --train-images 40 " +
			"--batch 8 --epochs 1 --threads 2 --quiet --out")
		line := fmt.Sprintf("ulimit -v %d && exec zos-ort %s %s", kib, strings.Join(args, " "),
			filepath.Join(t.TempDir(), "run"))
		cmd := exec.Command("sh", "-c", line)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		err := cmd.Run()
		ended[err == nil]++
		text := stderr.String()
		errors := strings.Count(text, "error: ")
		if !said.MatchString(text) || err != nil && (errors != 1 || cmd.ProcessState.ExitCode() != exitFailure) {
			t.Errorf("%d KiB: %v\n%s", kib, err, text)
		}
	}
	if ended[true] == 0 || ended[false] == 0 {
		t.Errorf("%d runs ended well and %d did not: the limits tried are too small or too large", ended[true], ended[false])
	}
}
