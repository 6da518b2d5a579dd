package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// dry gives the result of a dry run.
func dry(t *testing.T, command string, args ...string) (result struct {
	Peak  int64 `json:"predicted_peak_bytes"`
	Cells []struct {
		Peak int64 `json:"predicted_peak_bytes"`
	}
}) {
	t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"zos-ort", command, "--dry-run", "--json", "--threads", "2"}, args...)
	if status := run(args, &out, &errs); status != 0 {
		t.Fatalf("%v: status %d: %s", args, status, &errs)
	}
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	return result
}

// A sweep predicts of a search what the search itself does, whatever flags it hands on.
func TestSweepPredictsTheSame(t *testing.T) {
	base := "--channels 4 --cells 3 --image-size 8 --train-images 64 --batch 8 --prune-batch 16"
	seen := map[int64]bool{}
	for _, flags := range []string{"", "--rank-channels 16", "--rank-cells 6", "--recompute on", "--recompute off",
		"--xi-measure architectures", "--keep-none", "--prune-batch 32", "--batch 16",
		"--device cuda --batch 32", "--device cuda --precision bf16 --batch 32"} {
		args := strings.Fields(base + " " + flags)
		want := dry(t, "search", append(args, "--method", "zos")...).Peak
		got := dry(t, "sweep", append(args, "--methods", "zos", "--seeds", "1")...).Cells[0].Peak
		if got != want || got == 0 {
			t.Errorf("%s: the sweep predicts %d bytes, the search %d", flags, got, want)
		}
		seen[want] = true
	}
	if len(seen) < 6 {
		t.Errorf("only %d different predictions: the flags prove nothing", len(seen))
	}
}
