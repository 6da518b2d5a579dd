package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/plan"
	"zos-ort/graphgen/reader"
	"zos-ort/models/method"
)

func predictAll(t *testing.T, c memoryConfig, names ...string) map[string]int {
	t.Helper()
	peaks := map[string]int{}
	for _, name := range names {
		m, err := method.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.predict(m)
		if err != nil {
			t.Fatal(err)
		}
		peaks[name] = r.Peak
	}
	return peaks
}

// Without the rewrites the predictions have the ratios of the paper's Table 1, at its sizes.
func TestPaperRatios(t *testing.T) {
	c := memoryConfig{Batch: 128, Channels: 16, Cells: 8, Image: 32, Passes: passesNone, Xi: .5, Masks: 2,
		Seed: 1}
	p := predictAll(t, c, "darts", "pc-darts", "zos", "darts-rnd", "etenas")
	for _, r := range []struct {
		method, to     string
		want, distance float64
	}{
		{"pc-darts", "darts", .30, .06},
		{"zos", "pc-darts", .64, .06},
		{"darts-rnd", "darts", .54, .06},
		{"etenas", "darts", .015, .015},
	} {
		got := float64(p[r.method]) / float64(p[r.to])
		t.Logf("%s / %s = %.3f", r.method, r.to, got)
		if math.Abs(got-r.want) > r.distance {
			t.Errorf("%s / %s = %.3f, want %v +- %v", r.method, r.to, got, r.want, r.distance)
		}
	}
}

// A file read back with onnx-go has the plan of the graph that it was written from.
func TestFilesAgreeWithPlanner(t *testing.T) {
	for _, name := range []string{"darts", "zos", "etenas-pc"} {
		r := check.Must(smallMemory(4).predict(check.Must(method.Find(name))(t)))(t)
		for _, want := range r.programs {
			p := check.Must(reader.Program(want.Model, 1))(t)
			got := plan.Simulate(p, p.RuntimeOrder())
			if got.Peak != want.plan.Peak || got.State != want.plan.State || got.Inputs != want.plan.Inputs {
				t.Errorf("%s: the file of %s has peak %d, state %d, inputs %d, the graph %d, %d, %d", name,
					want.Name, got.Peak, got.State, got.Inputs, want.plan.Peak, want.plan.State, want.plan.Inputs)
			}
		}
	}
}

// Our own kernels keep far less than ONNX Runtime's.
func TestKernelsSave(t *testing.T) {
	with, without := smallMemory(16), smallMemory(16)
	without.Passes = passesPortable
	for _, name := range []string{"darts", "pc-darts"} {
		got, plain := predictAll(t, with, name)[name], predictAll(t, without, name)[name]
		if got > plain*2/3 {
			t.Errorf("%s: %d bytes with our kernels, %d without: want a third less", name, got, plain)
		}
	}
}

func TestLargestBatch(t *testing.T) {
	m, err := method.Find("zos")
	if err != nil {
		t.Fatal(err)
	}
	c := smallMemory(1)
	const limit = 8_000_000
	batch, err := c.largestBatch(m, limit)
	if err != nil {
		t.Fatal(err)
	}
	for b, fits := range map[int]bool{batch: true, batch + 1: false} {
		if c.Batch = b; (predictAll(t, c, "zos")["zos"] <= limit) != fits {
			t.Errorf("batch %d fits is not %v", b, fits)
		}
	}
	if batch, err := c.largestBatch(m, 1000); batch != 0 || err != nil {
		t.Errorf("batch %d, error %v for 1000 bytes, want 0", batch, err)
	}
}

// Without any one of the rewrites of the graph the alpha step needs more memory. Our own kernels come
// on top and do some of the same. The weight step alone is better off without shuffle by 1 %.
func TestEveryPassSaves(t *testing.T) {
	m, err := method.Find("pc-darts")
	if err != nil {
		t.Fatal(err)
	}
	alpha := func(list string) int {
		c := smallMemory(16)
		c.Passes = list
		r, err := c.predict(m)
		if err != nil {
			t.Fatal(err)
		}
		return r.Alpha
	}
	if all, named := alpha(passesAll), alpha(passesPortable+",kernels"); all != named {
		t.Errorf("all the passes by name give %d bytes, all gives %d", named, all)
	}
	names, best := strings.Split(passesPortable, ","), alpha(passesPortable)
	for i, name := range names {
		rest := strings.Join(slices.Delete(slices.Clone(names), i, i+1), ",")
		if got := alpha(rest); got <= best {
			t.Errorf("without %s the alpha step takes %d bytes, with all %d", name, got, best)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int{"8GB": 8e9, "512MB": 512e6, "1.5GiB": 3 << 29, "100": 100} {
		if got, err := terminal.ParseSize(text); got != want || err != nil {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "NaN", "1e300GB", "8 gigabytes"} {
		if got, err := terminal.ParseSize(text); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}

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
