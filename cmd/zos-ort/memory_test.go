package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"zos-ort/models/method"
)

var smallFlags = []string{"--channels", "8", "--cells", "3", "--image-size", "16", "--batch", "4",
	"--masks", "1"}

func TestMemoryCommand(t *testing.T) {
	var out, errs bytes.Buffer
	dir := filepath.Join(t.TempDir(), "charts")
	args := append([]string{"zos-ort", "memory", "--json", "--out", dir}, smallFlags...)
	if status := run(args, &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, &errs)
	}
	var result struct {
		Rows []struct {
			Method string
			Peak   int `json:"predicted_peak_bytes"`
		}
	}
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Rows) != len(method.All) {
		t.Errorf("%d rows, want one for each of %d methods", len(result.Rows), len(method.All))
	}
	for i, r := range result.Rows {
		programs := map[method.Source][]string{method.BySearch: {"weight_step", "alpha_step"}, method.ByScores: {"rank"}}[method.All[i].Source]
		if (r.Peak > 0) != (programs != nil) { // a draw by chance needs no memory and has no chart
			t.Errorf("%s: peak %d", r.Method, r.Peak)
		}
		for _, name := range programs {
			for _, format := range []string{".png", ".svg"} {
				file := r.Method + "-" + name + format
				if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() < 1000 {
					t.Errorf("chart %s: %v", file, err)
				}
			}
		}
	}
}

func TestMemoryUsage(t *testing.T) {
	for _, flags := range [][]string{{"--passes", "some"}, {"--passes", "all,mix"}, {"--passes", ""}, {"--batch", "0"}, {"--methods", "nas"},
		{"--fit", "lots"}, {"--xi", "1"}, {"--image-size", "10"}, {"--channels", "3"}} {
		var out, errs bytes.Buffer
		if status := run(append([]string{"zos-ort", "memory"}, flags...), &out, &errs); status != exitUsage {
			t.Errorf("%v: status %d, want %d: %s", flags, status, exitUsage, &errs)
		}
	}
}
