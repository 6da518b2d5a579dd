package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers lists every package above all that it imports, in groups that share a floor; the row says what a
// package may import of this module. "A/..." allows a folder.
var layers = map[string]string{
	// data and text
	"models/space":           "",
	"models/space/spacetest": "",
	"models/stream":          "",
	"models/safe":            "",
	"models/file":            "",
	"models/ranks":           "",
	"models/method":          "models/space",
	"models/budget":          "models/space",

	// graphs
	"graphgen/ir":       "",
	"graphgen/op":       "graphgen/ir",
	"graphgen/autodiff": "graphgen/ir graphgen/op graphgen/scope",
	"graphgen/onnx":     "graphgen/ir",
	"graphgen/eval":     "graphgen/ir graphgen/op",
	"graphgen/cost":     "graphgen/ir graphgen/op",
	"graphgen/deploy":   "graphgen/ir graphgen/op",
	"graphgen/plan":     "graphgen/ir graphgen/op graphgen/port graphgen/scope",
	"graphgen/reader":   "graphgen/plan graphgen/port",
	"graphgen/port":     "",
	"graphgen/scope":    "",
	"graphgen/pass":     "graphgen/cost graphgen/ir graphgen/op graphgen/plan graphgen/port graphgen/scope",
	"graphgen":          "graphgen/ir graphgen/op graphgen/autodiff graphgen/onnx graphgen/pass graphgen/port graphgen/scope",

	// networks
	"models/nn":       "graphgen graphgen/ir graphgen/op graphgen/scope models/space",
	"models/supernet": "graphgen graphgen/ir graphgen/op graphgen/pass graphgen/scope models/nn models/space",
	"models/network": "graphgen graphgen/ir graphgen/op graphgen/pass graphgen/port graphgen/scope graphgen/deploy " +
		"models/nn models/space",
	"models/celldraw": "models/space",

	// the runtime: bytes, names and tensors; program and meter join it with the graphs
	"ort":         "models/file models/safe",
	"ort/kernels": "models/safe ort ort/kernels/device",
	// the kernels for a GPU: text, images, compiler
	"ort/kernels/device":         "",
	"ort/kernels/device/compile": "ort/kernels/device ort/kernels/device/nvrtc",
	"ort/kernels/device/nvrtc":   "",
	"ort/nvml":                   "models/safe",
	"ort/mpi":                    "models/ranks models/safe",
	"ort/nccl":                   "models/ranks ort",
	"ort/program":                "graphgen graphgen/ir graphgen/port models/file ort ort/kernels",
	"ort/runtime/unpack":         "",
	"ort/meter":                  "graphgen graphgen/ir ort ort/kernels ort/nvml ort/program",

	// the method
	"prune":             "models/budget models/ranks models/space",
	"prune/ranking":     "prune prune/proxy graphgen graphgen/cost graphgen/pass graphgen/scope models/safe models/space models/supernet ort ort/program",
	"prune/proxy":       "prune graphgen",
	"search/checkpoint": "models/file",
	"search/data":       "models/safe models/stream search/data/jpeg",
	"search/data/jpeg":  "",
	"search/train":      "models/ranks graphgen ort/program search/data",
	"search": "search/data search/train graphgen graphgen/pass graphgen/scope models/budget models/method models/ranks models/space models/stream models/supernet ort " +
		"ort/program",
	"search/retrain": "search/data search/train graphgen graphgen/pass models/network models/ranks models/stream ort ort/program",

	// the command half. Predictions (settings, memory) know nothing of the runtime.
	"cmd/internal/terminal": "",
	"cmd/internal/host":     "",
	"cmd/internal/rundir":   "cmd/internal/terminal cmd/internal/host models/file search/checkpoint",
	"cmd/internal/chart":    "cmd/internal/terminal cmd/internal/rundir",
	"cmd/internal/stats":    "",
	"cmd/internal/costs":    "cmd/internal/terminal cmd/internal/rundir models/budget models/network models/space",
	"cmd/internal/settings": "cmd/internal/terminal cmd/internal/host cmd/internal/rundir cmd/internal/costs graphgen graphgen/pass models/... prune " +
		"prune/proxy search/data",
	"cmd/internal/images": "cmd/internal/terminal cmd/internal/host cmd/internal/settings search/data",
	"cmd/internal/memory": "cmd/internal/terminal cmd/internal/host cmd/internal/rundir cmd/internal/chart " +
		"cmd/internal/settings graphgen graphgen/pass graphgen/plan models/method models/space",
	"cmd/internal/device": "cmd/internal/terminal cmd/internal/settings cmd/internal/memory ort ort/meter",
	"cmd/internal/forecast": "cmd/internal/terminal cmd/internal/settings cmd/internal/device graphgen graphgen/pass " +
		"models/ranks models/safe models/space models/stream ort ort/meter prune prune/proxy search",
	"cmd/internal/profile": "cmd/internal/terminal cmd/internal/rundir graphgen graphgen/cost ort ort/kernels ort/meter",
	"cmd/internal/deploy": "cmd/internal/terminal cmd/internal/host cmd/internal/rundir cmd/internal/settings cmd/internal/images " +
		"graphgen/... models/network models/space ort ort/program search/data search/train",
	"cmd/internal/latency": "cmd/internal/terminal cmd/internal/host cmd/internal/settings cmd/internal/costs cmd/internal/deploy " +
		"cmd/internal/stats graphgen graphgen/deploy graphgen/ir graphgen/pass models/network models/space models/stream ort ort/program",
	"cmd/internal/stages": "cmd/internal/terminal cmd/internal/host cmd/internal/rundir cmd/internal/settings " +
		"cmd/internal/images cmd/internal/memory cmd/internal/device cmd/internal/forecast cmd/internal/profile cmd/internal/deploy " +
		"cmd/internal/judge cmd/internal/report graphgen/... models/... ort ort/meter ort/nccl ort/program prune/... search/...",
	"cmd/internal/bench": "cmd/internal/terminal cmd/internal/host cmd/internal/rundir cmd/internal/chart " +
		"cmd/internal/settings cmd/internal/memory cmd/internal/device cmd/internal/profile graphgen graphgen/plan " +
		"models/method models/space ort ort/kernels ort/meter prune",
	"cmd/internal/dataparallel": "cmd/internal/terminal cmd/internal/host cmd/internal/rundir cmd/internal/chart graphgen models/ranks ort ort/meter " +
		"ort/program search/train",
	"cmd/internal/archs": "models/space",
	"cmd/internal/rank": "cmd/internal/terminal cmd/internal/rundir cmd/internal/settings cmd/internal/archs " +
		"cmd/internal/stages cmd/internal/stats graphgen graphgen/pass models/network models/safe models/space models/stream ort prune/proxy " +
		"prune/ranking search/data",
	"cmd/internal/judge": "cmd/internal/terminal cmd/internal/rundir cmd/internal/chart cmd/internal/settings " +
		"cmd/internal/archs cmd/internal/surrogate models/space models/stream",
	"cmd/internal/pareto": "cmd/internal/terminal cmd/internal/rundir cmd/internal/chart cmd/internal/settings cmd/internal/judge " +
		"models/budget models/space models/stream",
	"cmd/internal/report": "cmd/internal/terminal cmd/internal/rundir cmd/internal/chart cmd/internal/settings cmd/internal/cells cmd/internal/judge " +
		"cmd/internal/pareto models/celldraw models/method models/space",
	"cmd/internal/watch":     "cmd/internal/report models/safe",
	"cmd/internal/mlflow":    "cmd/internal/terminal cmd/internal/rundir cmd/internal/report",
	"cmd/internal/surrogate": "cmd/internal/terminal graphgen/onnx models/space ort",
	"cmd/internal/figure1": "cmd/internal/terminal cmd/internal/host cmd/internal/rundir cmd/internal/chart cmd/internal/settings " +
		"cmd/internal/images cmd/internal/memory cmd/internal/device cmd/internal/stages cmd/internal/surrogate " +
		"cmd/internal/report models/space models/stream prune/ranking",
	"cmd/internal/cells": "cmd/internal/host cmd/internal/settings models/file models/method models/safe",
	"cmd/internal/sweeping": "cmd/internal/terminal cmd/internal/host cmd/internal/rundir cmd/internal/settings " +
		"cmd/internal/images cmd/internal/memory cmd/internal/device cmd/internal/forecast cmd/internal/cells cmd/internal/report " +
		"models/method models/space ort search/data",
	"cmd/zos-ort": "cmd/internal/... graphgen/... models/... ort ort/meter ort/mpi ort/nvml prune/... search/data search/train",

	// for tests alone
	"models/ranks/ranktest":        "models/ranks models/safe",
	"graphgen/check":               "",
	"graphgen/op/optest":           "graphgen/ir graphgen/op graphgen/autodiff graphgen/eval",
	"ort/standin":                  "ort/kernels/device",
	"ort/standin/provider":         "ort ort/standin",
	"cmd/internal/surrogate/fakes": "graphgen/onnx models/space",
	"cmd/internal/chromium":        "",
	"cmd/internal/conformance":     "",
}

// forTests are the packages that only tests import.
var forTests = []string{"graphgen/check", "graphgen/op/optest", "ort/standin", "ort/standin/provider", "models/ranks/ranktest",
	"cmd/internal/surrogate/fakes", "cmd/internal/chromium"}

// pkg is a package of this module, with paths inside the module.
type pkg struct {
	path    string
	imports []string // of this module
	foreign []string // of other modules
}

// modulePackages asks the go command.
func modulePackages(t *testing.T) (list []pkg) {
	t.Helper()
	const format = `{{.ImportPath}}|{{join .Imports " "}}`
	cmd := exec.Command("go", "list", "-f", format, "zos-ort/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		p := pkg{path: strings.TrimPrefix(f[0], "zos-ort/")}
		for _, i := range strings.Fields(f[1]) {
			if inner, ok := strings.CutPrefix(i, "zos-ort/"); ok {
				p.imports = append(p.imports, inner)
			} else if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") {
				p.foreign = append(p.foreign, i)
			}
		}
		list = append(list, p)
	}
	return list
}

// inFolder says whether a package lies in a folder of the module.
func inFolder(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// allowed says whether a package may import another one.
func allowed(from, to string) bool {
	return slices.ContainsFunc(strings.Fields(layers[from]), func(x string) bool {
		if folder, all := strings.CutSuffix(x, "/..."); all {
			return inFolder(to, folder)
		}
		return to == x
	})
}

func TestImportTable(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{{"search", "prune", false}, {"prune", "search/data", false}, {"graphgen/op", "ort", false},
		{"models/space", "models/nn", false}, {"models/nn", "models/space", true},
		{"ort", "graphgen/ir", false}, {"cmd/zos-ort", "prune", true}, {"cmd/internal/memory", "ort", false},
		{"cmd/internal/settings", "ort", false}, {"ort/program", "models/nn", false}} {
		if allowed(c.from, c.to) != c.want {
			t.Errorf("the table allows %s to import %s: %v", c.from, c.to, !c.want)
		}
	}
	packages := modulePackages(t)
	if len(packages) < len(layers) {
		t.Fatalf("go list shows %d packages only", len(packages))
	}
	for _, p := range packages {
		if _, ok := layers[p.path]; !ok {
			t.Errorf("%s is in no row of the table", p.path)
		}
		for _, i := range p.imports {
			if !allowed(p.path, i) {
				t.Errorf("%s must not import %s", p.path, i)
			}
			if slices.Contains(forTests, i) && !slices.Contains(forTests, p.path) {
				t.Errorf("%s imports %s, which is for tests alone", p.path, i)
			}
		}
		if p.path == "models/space" && len(p.foreign) > 0 {
			t.Errorf("models/space is for the standard library alone, imports %v", p.foreign)
		}
		if p.path != "models/file" && slices.Contains(p.foreign, "github.com/google/renameio/v2") {
			t.Errorf("%s writes files past models/file, whose temporary files lie beside them", p.path)
		}
	}
}

// TestOnlyRuntimeUsesCgo: C is in ort alone, and everything below it builds without a C compiler.
func TestOnlyRuntimeUsesCgo(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{if .CgoFiles}}{{.ImportPath}}{{end}}",
		"zos-ort/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	users := strings.Fields(string(out))
	if len(users) == 0 {
		t.Error("no package uses cgo, not even ort")
	}
	for _, p := range users {
		if !inFolder(strings.TrimPrefix(p, "zos-ort/"), "ort") {
			t.Errorf("%s uses cgo", p)
		}
	}
	build := exec.Command("go", "build", "zos-ort/graphgen/...", "zos-ort/models/...")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("without cgo: %v\n%s", err, out)
	}
}

// TestNoEngineStartsAtLoad: a WebAssembly runtime that starts with the program, and its cache in a folder that all users
// share, ended every command of everybody but the first.
func TestNoEngineStartsAtLoad(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "zos-ort/cmd/zos-ort").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for p := range strings.FieldsSeq(string(out)) {
		if strings.Contains(p, "wazero") || strings.Contains(p, "graphviz") {
			t.Errorf("the program depends on %s", p)
		}
	}
}

// TestPredictionNeedsNoRuntime: what predicts memory reaches the runtime by no path.
func TestPredictionNeedsNoRuntime(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "zos-ort/cmd/internal/memory").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for p := range strings.FieldsSeq(string(out)) {
		if inFolder(p, "zos-ort/ort") {
			t.Errorf("a prediction depends on %s", p)
		}
	}
}
