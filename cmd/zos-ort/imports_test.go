package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A layer may import what its row names, of this module; imports point down. Of a package that no
// row names, the row of the folder above it counts.
var layers = map[string]string{
	"cmd":          "graphgen models ort prune search",
	"search":       "graphgen models ort search/data",
	"search/data":  "",
	"search/sweep": "",
	"prune":        "graphgen models ort",
	"models":       "graphgen models",
	"models/space": "",
	"ort":          "",
	"ort/kernels":  "ort",
	"ort/nvml":     "",
	"ort/program":  "graphgen ort",
	"graphgen":     "graphgen",
}

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

// row is the most exact row of the table for a package.
func row(path string) (best string) {
	for folder := range layers {
		if inFolder(path, folder) && len(folder) > len(best) {
			best = folder
		}
	}
	return best
}

// allowed says whether a package may import another one. Inside a row everything may.
func allowed(from, to string) bool {
	if row(from) == row(to) {
		return true
	}
	return slices.ContainsFunc(strings.Fields(layers[row(from)]), func(folder string) bool {
		return inFolder(to, folder)
	})
}

// usesNVML says whether a foreign package calls the library of the driver, through cgo of its own.
func usesNVML(path string) bool { return strings.HasPrefix(path, "github.com/NVIDIA/") }

func TestImportTable(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{{"search", "prune", false}, {"prune", "search/data", false}, {"graphgen/op", "ort", false},
		{"models/space", "models/nn", false}, {"models/nn", "models/space", true},
		{"ort", "graphgen/ir", false}, {"cmd/zos-ort", "prune", true},
		{"ort/program", "models/nn", false}} {
		if allowed(c.from, c.to) != c.want {
			t.Errorf("the table allows %s to import %s: %v", c.from, c.to, !c.want)
		}
	}
	packages := modulePackages(t)
	if len(packages) < len(layers) {
		t.Fatalf("go list shows %d packages only", len(packages))
	}
	for _, p := range packages {
		if row(p.path) == "" {
			t.Errorf("%s is in no row of the table", p.path)
		}
		for _, i := range p.imports {
			if !allowed(p.path, i) {
				t.Errorf("%s must not import %s", p.path, i)
			}
		}
		if slices.ContainsFunc(p.foreign, usesNVML) && p.path != "ort/nvml" {
			t.Errorf("%s imports NVML, which is for ort/nvml", p.path)
		}
		if p.path == "models/space" && len(p.foreign) > 0 {
			t.Errorf("models/space is for the standard library alone, imports %v", p.foreign)
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
