package autodiff_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// evaluate runs a graph on float vectors and returns an output.
func evaluate(t *testing.T, g *ir.Graph, in map[string]*eval.Tensor, out string) []float64 {
	t.Helper()
	r, err := eval.Run(g, in)
	if err != nil {
		t.Fatal(err)
	}
	return r[out].F
}

func build(t *testing.T, f func()) {
	t.Helper()
	if err := ir.Build(f); err != nil {
		t.Fatal(err)
	}
}

// d/dx sum((x y + x)^2) = 2 (x y + x)(y + 1): x meets itself twice.
func TestGradOfAValueUsedTwice(t *testing.T) {
	g := ir.New("test")
	build(t, func() {
		x, y := g.Input("x", ir.T(ir.Float, 2)), g.Input("y", ir.T(ir.Float, 2))
		loss := op.ReduceSumSquare{}.Of(op.Add{}.Of(op.Mul{}.Of(x, y), x))
		d := autodiff.Grad(loss, []*ir.Value{x, y})
		g.Output("dx", d[0])
		g.Output("dy", d[1])
	})
	in := map[string]*eval.Tensor{"x": eval.Floats([]float64{2, -1}, 2),
		"y": eval.Floats([]float64{3, .5}, 2)}
	if got := evaluate(t, g, in, "dx"); !slices.Equal(got, []float64{64, -4.5}) {
		t.Errorf("dx = %v, want 64 and -4.5", got)
	}
	if got := evaluate(t, g, in, "dy"); !slices.Equal(got, []float64{32, 3}) {
		t.Errorf("dy = %v, want 32 and 3", got)
	}
}

func TestNoDependenceGivesNil(t *testing.T) {
	g := ir.New("test")
	build(t, func() {
		x, y := g.Input("x", ir.T(ir.Float, 2)), g.Input("y", ir.T(ir.Float, 2))
		side := op.Mul{}.Of(y, y) // computed, but not part of the loss
		loss := op.ReduceSumSquare{}.Of(x)
		before := len(g.Nodes)
		d := autodiff.Grad(loss, []*ir.Value{y, side, g.Floats([]float32{1, 2}, 2)})
		for i, v := range d {
			if v != nil {
				t.Errorf("gradient %d is %v, want none", i, v.Type)
			}
		}
		for _, n := range g.Nodes[before:] {
			if _, ok := n.Op.(op.Reshape); !ok {
				t.Errorf("a gradient that nobody needs: %T", n.Op)
			}
		}
	})
}

// The backward pass keeps the scope of the forward nodes, and adds only nodes that lead to wrt.
func TestOnlyNeededNodes(t *testing.T) {
	g := ir.New("test")
	build(t, func() {
		x, w := g.Input("x", ir.T(ir.Float, 1, 2, 4, 4)), g.Input("w", ir.T(ir.Float, 2, 2, 3, 3))
		var y *ir.Value
		g.In("cell0", func() {
			y = op.Conv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Group: 1}.Of(op.Relu{}.Of(x), w)
		})
		loss := op.ReduceSumSquare{}.Of(y)
		g.Output("dw", autodiff.Grad(loss, []*ir.Value{w})[0])
	})
	g.Trim()
	for _, n := range g.Nodes {
		switch n.Op.(type) {
		case op.ConvGrad:
			if n.Scope != "cell0/grad" || n.Out[0] != nil || n.Out[1] == nil {
				t.Errorf("ConvGrad at %s gives %v", n.Scope, n.Out)
			}
		case op.ReluGrad:
			t.Error("gradient of the input, which nobody asked for")
		}
	}
}

// VJP of a vector-valued function: cotangents weigh the outputs.
func TestVJPWeighsItsOutputs(t *testing.T) {
	g := ir.New("test")
	build(t, func() {
		x := g.Input("x", ir.T(ir.Float, 2))
		a, b := op.Mul{}.Of(x, x), op.Sqrt{}.Of(x)
		d := autodiff.VJP([]*ir.Value{a, b}, []*ir.Value{g.Floats([]float32{1, 10}, 2),
			g.Floats([]float32{100, 4}, 2)}, []*ir.Value{x})
		g.Output("dx", d[0])
	})
	in := map[string]*eval.Tensor{"x": eval.Floats([]float64{4, 16}, 2)}
	want := []float64{1*8 + 100*.25, 10*32 + 4*.125}
	got := evaluate(t, g, in, "dx")
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Errorf("dx = %v, want %v", got, want)
		}
	}
}

func TestGradErrors(t *testing.T) {
	wantError := func(want string, f func(g *ir.Graph, x *ir.Value)) {
		t.Helper()
		g := ir.New("test")
		err := ir.Build(func() { f(g, g.Input("x", ir.T(ir.Float, 1, 1, 2, 2))) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	wantError("gradient: the loss must be a scalar, got float[1,1,2,2]",
		func(_ *ir.Graph, x *ir.Value) { autodiff.Grad(x, []*ir.Value{x}) })
	wantError("gradient: ReluGrad has no VJP", func(g *ir.Graph, x *ir.Value) {
		loss := op.ReduceSumSquare{}.Of(g.Add1(op.ReluGrad{}, x, op.Relu{}.Of(x)))
		autodiff.Grad(loss, []*ir.Value{x})
	})
}
