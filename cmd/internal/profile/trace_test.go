package profile

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/cost"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/ort/kernels"
)

// twoNodes is y = Relu(x) + x of 6 numbers.
func twoNodes() *graphgen.Program {
	g := ir.New("two")
	x := g.Input("x", ir.T(ir.Float, 6))
	g.In("cell0", func() { g.Output("y", op.Add{}.Of(op.Relu{}.Of(x), x)) })
	return &graphgen.Program{Name: "two", Graph: g}
}

// A trace of three runs: the first, which does not count, is the fastest, and the last is the next.
const threeRuns = `[
{"cat":"Session","name":"session_initialization","dur":9},
{"cat":"Session","name":"model_run","dur":5},
{"cat":"Node","name":"cell0/Relu_0_kernel_time","dur":1,"args":{"provider":"CPUExecutionProvider"}},
{"cat":"Node","name":"cell0/Add_1_kernel_time","dur":1,"args":{"provider":"CPUExecutionProvider"}},
{"cat":"Session","name":"model_run","dur":30},
{"cat":"Node","name":"cell0/Relu_0_kernel_time","dur":9,"args":{"provider":"CPUExecutionProvider"}},
{"cat":"Node","name":"cell0/Add_1_kernel_time","dur":9,"args":{"provider":"CPUExecutionProvider"}},
{"cat":"Session","name":"model_run","dur":20},
{"cat":"Node","name":"cell0/Relu_0_kernel_time","dur":4,"args":{"provider":"CPUExecutionProvider"}},
{"cat":"Node","name":"cell0/Add_1_kernel_time","dur":12,"args":{"provider":"CPUExecutionProvider"}}]`

func writeTrace(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace.json")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadTrace(t *testing.T) {
	got, err := readTrace(writeTrace(t, threeRuns), twoNodes())
	if err != nil {
		t.Fatal(err)
	}
	want := []operatorProfile{{"Add", "CPUExecutionProvider", 1, 12e-6, cost.Work{Flops: 6, Bytes: 72}},
		{"Relu", "CPUExecutionProvider", 1, 4e-6, cost.Work{Flops: 6, Bytes: 48}}}
	if got.Runs != 2 || got.Run != 20e-6 || !slices.Equal(got.Operators, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	rows := profileRows([]programProfile{got}, kernels.Limits{GFlops: 1e-3, Memory: 1e-2})
	if want := []string{"two", "Add", "CPUExecutionProvider", "1", "1.2e-05", "0.6", "6", "72",
		"7.2e-06"}; !slices.Equal(rows[1], want) {
		t.Errorf("row %v, want %v", rows[1], want)
	}
	if between := rows[3]; between[1] != "between operators" {
		t.Errorf("the last row is %v", between)
	}
}

func TestReadTraceRefuses(t *testing.T) {
	_, err := readTrace(writeTrace(t, `[]`), twoNodes())
	check.Error(t, err, "0 runs of two")
	_, err = readTrace(writeTrace(t, `[{"cat":"Session","name":"model_run","dur":5},
{"cat":"Session","name":"model_run","dur":5},{"cat":"Node","name":"Add_1_kernel_time","dur":5}]`),
		twoNodes())
	check.Error(t, err, "Add_1 ran 1 times in 2 runs of two")
	_, err = readTrace(writeTrace(t, `[{`), twoNodes())
	check.Error(t, err, "trace.json")
}

// TestNodesHaveTheNamesOfFiles: what nodeOf finds is what the emitter numbered.
func TestNodesHaveTheNamesOfFiles(t *testing.T) {
	p := twoNodes()
	for name, want := range map[string]string{"cell0/Add_1": "Add", "Relu_0": "Relu",
		"output/y": "Identity", "Identity_17": "Identity"} {
		if got, _ := nodeOf(p, name); got != want {
			t.Errorf("%s is a %s, want %s", name, got, want)
		}
	}
}
