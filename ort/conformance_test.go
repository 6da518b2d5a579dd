package ort_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"testing"

	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
)

// tolerance is relative to the largest element of a tensor. The longest sums in the cases have some
// hundred terms, each rounded to 6e-8.
const tolerance = 1e-5

// TestConformance runs every operator with every attribute combination of the networks, forward and
// gradient, in ONNX Runtime in float32, and compares it with the float64 evaluator. It requests
// gradients together and one by one, and runs graphs as they are and rewritten.
func TestConformance(t *testing.T) {
	openRuntime(t)
	domain, err := kernels.NewDomain()
	if err != nil {
		t.Fatal(err)
	}
	defer domain.Close()
	for _, level := range []ort.Level{ort.Off, ort.All} {
		for _, c := range optest.All() {
			t.Run(map[ort.Level]string{ort.Off: "plain/", ort.All: "rewritten/"}[level]+c.Name,
				func(t *testing.T) {
					for _, wrt := range gradients(c) {
						g := c.Graph(wrt...)
						compare(t, g.Graph, c.Values(g), ort.Options{Threads: 1, Optimization: level,
							Domains: []*ort.Domain{domain}})
					}
				})
		}
	}
}

// TestConformanceOfVectors runs the cases of our own kernels with shorter vectors than this
// processor has, in a process of its own, because a process chooses once.
func TestConformanceOfVectors(t *testing.T) {
	openRuntime(t)
	for _, level := range []string{"portable", "avx2"} {
		cmd := exec.Command(os.Args[0], "-test.v", "-test.run",
			"^TestConformance$/^plain$/^(depthwise|unit|halves|normalize|scaled|direct_|addend)")
		cmd.Env = append(os.Environ(), "ZOS_KERNELS="+level)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", level, err, out)
		} else if !bytes.Contains(out, []byte("/plain/unit/")) {
			t.Errorf("%s: no case has run:\n%s", level, out)
		}
	}
}

// gradients lists the sets of gradients to request: none, all, each alone.
func gradients(c optest.Case) [][]int {
	if c.NoGrad {
		return [][]int{nil}
	}
	lists, all := [][]int{nil}, []int{}
	for i := range c.Inputs {
		all = append(all, i)
		if len(c.Inputs) > 1 {
			lists = append(lists, []int{i})
		}
	}
	return append(lists, all)
}

// TestConformanceOverwrite runs a graph with state several times: the caller's buffers change.
func TestConformanceOverwrite(t *testing.T) {
	openRuntime(t)
	g := ir.New("momentum")
	w, m := g.Input("w", ir.T(ir.Float, 3)), g.Input("m", ir.T(ir.Float, 3))
	step := op.Add{}.Of(op.Mul{}.Of(m, g.Scalar(0.5)), w)
	g.Output("new_m", op.Overwrite{}.Of(m, step))
	g.Output("new_w", op.Overwrite{}.Of(w, op.Sub{}.Of(w, op.Mul{}.Of(step, g.Scalar(0.25)))))
	values := map[string]*eval.Tensor{"w": eval.Floats([]float64{1, 2, 3}, 3),
		"m": eval.Floats([]float64{0.5, 0, -2}, 3)}
	for range 3 {
		compare(t, g, values, ort.Options{Threads: 1})
	}
	if values["w"].F[0] == 1 {
		t.Error("the state has not changed")
	}
}

// openRuntime opens ONNX Runtime, and skips the test if it is not installed.
func openRuntime(t *testing.T) {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip("ONNX Runtime is not installed; run make setup")
	} else if err != nil {
		t.Fatal(err)
	}
}

// compare runs g in both from the same values. It compares the outputs, and the inputs after the run.
func compare(t *testing.T, g *ir.Graph, values map[string]*eval.Tensor, o ort.Options) {
	t.Helper()
	got, want := both(t, g, values, o)
	for name, w := range want {
		wantSame(t, "output "+name, got[name], w)
		got[name].Close()
	}
}

// both are the outputs of g in ONNX Runtime and in float64, from the same values. It compares the inputs after
// the run: only the buffers that the graph overwrites may change.
func both(t *testing.T, g *ir.Graph, values map[string]*eval.Tensor, o ort.Options) (got map[string]*ort.Tensor,
	want map[string]*eval.Tensor) {
	t.Helper()
	inputs, used := map[string]*ort.Tensor{}, map[string]*eval.Tensor{}
	for _, v := range g.Inputs {
		used[v.Name] = values[v.Name]
		inputs[v.Name] = tensor(t, values[v.Name])
		defer inputs[v.Name].Close()
	}
	got = runORT(t, g, inputs, o)
	want, err := eval.Run(g, used)
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range used {
		wantSame(t, "input "+name+" after the run", inputs[name], w)
	}
	return got, want
}

func runORT(t *testing.T, g *ir.Graph, in map[string]*ort.Tensor,
	o ort.Options) map[string]*ort.Tensor {
	t.Helper()
	m, err := onnx.Model(g, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	model, err := onnx.Bytes(m)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ort.NewInference(model, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, onnx.Text(m))
	}
	defer s.Close()
	out, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatalf("%v\n%s", err, onnx.Text(m))
	}
	return out
}

func tensor(t *testing.T, x *eval.Tensor) *ort.Tensor {
	t.Helper()
	f := make([]float32, len(x.F))
	for i, v := range x.F {
		f[i] = float32(v)
	}
	v, err := ort.Of(f, x.Shape...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantSame(t *testing.T, what string, got *ort.Tensor, want *eval.Tensor) {
	t.Helper()
	if !slices.Equal(got.Shape(), want.Shape) {
		t.Errorf("%s has shape %v, want %v", what, got.Shape(), want.Shape)
		return
	}
	switch {
	case want.I != nil:
		if !slices.Equal(got.Int64(), want.I) {
			t.Errorf("%s is %v, want %v", what, got.Int64(), want.I)
		}
	case want.B != nil:
		if !slices.Equal(got.Bools(), want.B) {
			t.Errorf("%s is %v, want %v", what, got.Bools(), want.B)
		}
	default:
		wantNear(t, what, got.Float32(), want.F)
	}
}

func wantNear(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if off := deviation(got, want); off != "" {
		t.Errorf("%s: %s", what, off)
	}
}

// deviation says how numbers differ from those that are wanted; empty if they do not.
func deviation(got []float32, want []float64) string {
	scale := 1e-3
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tolerance*scale) {
			return fmt.Sprintf("element %d is %g, want %g, off by %.2g of %.2g", i, got[i], w, d, scale)
		}
	}
	return ""
}
