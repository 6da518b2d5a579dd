package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zos-ort/cmd/internal/stages"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/onnx"
	"zos-ort/ort"
)

// runProgram runs the program in a process of its own and returns its standard output.
func runProgram(t *testing.T, args ...string) string {
	t.Helper()
	var diagnostics strings.Builder
	cmd := exec.Command("zos-ort", args...)
	cmd.Stderr = &diagnostics
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("zos-ort %s: %v\n%s", strings.Join(args, " "), err, diagnostics.String())
	}
	return string(out)
}

// tinySearch are the arguments of a whole search into a folder.
func tinySearch(out string) []string {
	return slices.Concat([]string{"search", "--xi", "0.5", "--json", "--epochs", "2", "--warmup", "1",
		"--network-channels", "4", "--network-cells", "3", "--out", out}, tiny)
}

// runFiles are the files of a run directory; stable ones depend on the seed alone.
var runFiles = []struct {
	name   string
	stable bool
}{{"config.json", true}, {"mask.json", true}, {"scores.csv", true}, {"metrics.csv", true},
	{"timing.csv", false}, {"alphas.csv", true}, {"memory.csv", true}, {"run.json", false}, {"result.json", false},
	{"report.html", false}, {"events.out.tfevents.0.zos-ort", false}, {"alphas.json", true}, {"genotype.json", true},
	{"genotypes/epoch-000.json", true}, {"genotypes/epoch-001.json", true}, {"cell_normal.dot", true},
	{"cell_reduce.dot", true}, {"cell_normal.svg", true}, {"cell_reduce.svg", true},
	{"cell_normal.onnx", true}, {"cell_reduce.onnx", true}, {"network.onnx", true},
	{"checkpoints/prune/0001-*.json", false}, {"checkpoints/search/0002-000000.json", false},
	{"checkpoints/search/0002-000000.state", true}}

// TestSearchRun makes the same tiny search twice and looks at everything that it writes.
func TestSearchRun(t *testing.T) {
	needRuntime(t)
	dir := t.TempDir()
	var genotypes [2]string
	for i, run := range []string{"a", "b"} {
		path := filepath.Join(dir, run)
		var result stages.SearchResult
		decodeStrict(t, []byte(runProgram(t, tinySearch(path)...)), &result)
		if result.Run != path || result.Remaining.Operations != .5 {
			t.Errorf("result %+v", result)
		}
		genotypes[i] = result.Text
	}
	if genotypes[0] != genotypes[1] || !strings.HasPrefix(genotypes[0], "Genotype(normal=[(") {
		t.Errorf("genotypes of the same seed: %q", genotypes)
	}
	for _, f := range runFiles {
		a, b := readFile(t, dir, "a", f.name), readFile(t, dir, "b", f.name)
		if f.stable && a != b {
			t.Errorf("%s: two runs of the same seed differ", f.name)
		}
	}
	if files := regularFiles(t, filepath.Join(dir, "a")); len(files) != len(runFiles) {
		t.Errorf("files of the run: %q", files)
	}
	if n := strings.Count(readFile(t, dir, "a", "metrics.csv"), "\n"); n != 3 {
		t.Errorf("metrics.csv has %d lines, want a header and two epochs", n)
	}
	parseRun(t, filepath.Join(dir, "a"))
	t.Run("network", func(t *testing.T) { checkNetwork(t, filepath.Join(dir, "a", "network.onnx")) })
	for _, cell := range []string{"cell_normal.onnx", "cell_reduce.onnx"} {
		t.Run(cell, func(t *testing.T) { checkModel(t, filepath.Join(dir, "a", cell)) })
	}
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(path...))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: found %q, %v", filepath.Join(path...), found, err)
	}
	return string(check.Must(os.ReadFile(found[0]))(t))
}

func regularFiles(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// checkModel runs a model with 1 and 5 images of which the first is the same, and returns the
// outputs of that one.
func checkModel(t *testing.T, path string) (outputs [2][]float32) {
	t.Helper()
	model := []byte(readFile(t, path))
	m, err := onnx.Parse(model)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range m.Graph.Node {
		if n.GetDomain() != "" {
			t.Errorf("node %s is no standard operator", operatorName(n))
		}
	}
	for _, o := range m.OpsetImport {
		if o.GetDomain() != "" {
			t.Errorf("the model imports the operators of %q", o.GetDomain())
		}
	}
	n, err := ort.NewInference(model, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for i, batch := range []int{1, 5} {
		outputs[i] = runFirst(t, n, batch)
	}
	return outputs
}

// runFirst runs a batch of images and returns the output of the first one.
func runFirst(t *testing.T, n *ort.Inference, batch int) []float32 {
	t.Helper()
	inputs := map[string]*ort.Tensor{}
	for _, p := range n.Inputs() {
		if p.Shape[0] != -1 {
			t.Errorf("input %s has a fixed batch: %v", p.Name, p.Shape)
		}
		x, err := ort.NewTensor(ort.Float, append([]int{batch}, p.Shape[1:]...)...)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		for i, v := 0, x.Float32(); i < len(v); i++ { // the same for the first image of any batch
			v[i] = float32(math.Sin(float64(i)))
		}
		inputs[p.Name] = x
	}
	out, err := n.Run(context.Background(), inputs)
	if err != nil {
		t.Fatal(err)
	}
	var first []float32
	for name, y := range out {
		if y.Shape()[0] != batch {
			t.Errorf("output %s has shape %v for a batch of %d", name, y.Shape(), batch)
		}
		first = slices.Clone(y.Float32()[:y.Len()/batch])
		y.Close()
	}
	if len(out) != 1 {
		t.Errorf("%d outputs, want 1", len(out))
	}
	return first
}

// checkNetwork: an image has the same logits whatever comes with it.
func checkNetwork(t *testing.T, path string) {
	logits := checkModel(t, path)
	if len(logits[0]) != 10 || len(logits[1]) != 10 {
		t.Fatalf("logits %v, want 10 classes", logits)
	}
	for i := range logits[0] {
		a, b := float64(logits[0][i]), float64(logits[1][i])
		if !(math.Abs(a-b) <= 1e-5*max(1, math.Abs(a))) {
			t.Errorf("logit %d: %v alone, %v in a batch of five", i, a, b)
		}
	}
	if slices.Max(logits[0]) == slices.Min(logits[0]) {
		t.Errorf("all logits are %v: the network computes nothing", logits[0][0])
	}
}

func needRuntime(t testing.TB) {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// decodeStrict refuses keys that v does not know.
func decodeStrict(t *testing.T, b []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}
