package ir_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

var vector = ir.T(ir.Float, 3)

// wantVerify checks the message of Verify for a graph; an empty one means that the graph is fine.
func wantVerify(t *testing.T, want string, build func(g *ir.Graph)) {
	t.Helper()
	g := ir.New("test")
	build(g)
	err := g.Verify()
	if want == "" {
		if err != nil {
			t.Errorf("got %q", err)
		}
	} else if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestVerifyNodes(t *testing.T) {
	wantVerify(t, "", func(g *ir.Graph) {
		g.Output("y", op.Add{}.Of(g.Input("x", vector), g.Scalar(1)))
	})
	wantVerify(t, "node 0 Relu (): input 0 is not defined before it is read", func(g *ir.Graph) {
		op.Relu{}.Of(op.Relu{}.Of(g.Input("x", vector)))
		slices.Reverse(g.Nodes)
	})
	wantVerify(t, "node 0 Relu (): input 0 is not defined before it is read", func(g *ir.Graph) {
		y := op.Relu{}.Of(g.Input("x", vector))
		y.Def.In[0] = ir.New("other").Input("x", vector)
	})
	wantVerify(t, "node 0 Relu (cell0): output 0 is float[4], its type rule gives float[3]",
		func(g *ir.Graph) {
			g.In("cell0", func() { op.Relu{}.Of(g.Input("x", vector)).Shape = []int{4} })
		})
	wantVerify(t, "node 0 Add (): add: shapes [3] and [2] do not broadcast", func(g *ir.Graph) {
		y := op.Add{}.Of(g.Input("x", vector), g.Input("z", vector))
		y.Def.In[1] = g.Input("w", ir.T(ir.Float, 2))
	})
	wantVerify(t, "node 0 Relu (): has 0 outputs, its type rule gives 1", func(g *ir.Graph) {
		n := op.Relu{}.Of(g.Input("x", vector)).Def
		n.Out = nil
	})
	wantVerify(t, "node 0 Split (): output 1 is left out and is not optional", func(g *ir.Graph) {
		op.Split{}.Of(g.Input("x", vector), 0, 1, 2)[0].Def.Out[1] = nil
	})
	wantVerify(t, "node 0 MaxPool (): output 0 is left out and is not optional", func(g *ir.Graph) {
		op.MaxPool{Kernel: 2, Stride: 2}.Of(g.Input("x", ir.T(ir.Float, 1, 1, 2, 2))).Def.Out[0] = nil
	})
	wantVerify(t, "node 1 Relu (): output 0 names another node as its producer", func(g *ir.Graph) {
		x := g.Input("x", vector)
		y, z := op.Relu{}.Of(x), op.Relu{}.Of(x)
		z.Def.Out[0] = y
	})
}

func TestVerifyPorts(t *testing.T) {
	wantVerify(t, "output y is produced by no node", func(g *ir.Graph) {
		g.Output("y", op.Relu{}.Of(g.Input("x", vector)))
		g.Nodes = nil
	})
	wantVerify(t, "port name y is used twice", func(g *ir.Graph) {
		g.Output("y", op.Relu{}.Of(g.Input("x", vector)))
		g.Inputs[0].Name = "y"
	})
	wantVerify(t, "port name a is used twice", func(g *ir.Graph) {
		g.Input("a", vector)
		g.Input("b", vector)
		g.Inputs[1].Name = "a"
	})
}

func TestVerifyOverwrites(t *testing.T) {
	overwrite := func(buffer, value *ir.Value) {
		buffer.Graph().Output("flag_"+buffer.Name, op.Overwrite{}.Of(buffer, value))
	}
	wantVerify(t, "", func(g *ir.Graph) { // x <- relu(x) * 2, read by nothing else
		x := g.Input("x", vector)
		overwrite(x, op.Mul{}.Of(op.Relu{}.Of(x), g.Scalar(2)))
	})
	wantVerify(t, "", func(g *ir.Graph) { // a reader and an alias on the way to the overwrite
		x := g.Input("x", vector)
		row := op.Relu{}.Of(op.Reshape{}.To(x, 1, 3))
		overwrite(x, op.Add{}.Of(op.Relu{}.Of(x), op.Reshape{}.To(row, 3)))
	})
	wantVerify(t, "Relu (cell1) reads x but may run after its overwrite", func(g *ir.Graph) {
		x := g.Input("x", vector)
		g.In("cell1", func() { g.Output("y", op.Relu{}.Of(x)) })
		overwrite(x, op.Mul{}.Of(x, g.Scalar(2)))
	})
	wantVerify(t, "Relu () reads x but may run after its overwrite", func(g *ir.Graph) {
		x := g.Input("x", vector)
		overwrite(x, op.Mul{}.Of(x, g.Scalar(2)))
		g.Output("y", op.Relu{}.Of(x))
	})
	wantVerify(t, "Relu () reads x but may run after its overwrite", func(g *ir.Graph) {
		x := g.Input("x", ir.T(ir.Float, 6))
		view := op.Reshape{}.To(op.Flatten{}.Of(op.Reshape{}.To(x, 2, 3)), 3, 2)
		overwrite(x, op.Reshape{}.To(view, 6))
		g.Output("y", op.Relu{}.Of(view))
	})
	wantVerify(t, "output y shows x, which is overwritten", func(g *ir.Graph) {
		x := g.Input("x", vector)
		g.Output("y", x)
		overwrite(x, op.Relu{}.Of(x))
	})
	wantVerify(t, "output y shows x, which is overwritten", func(g *ir.Graph) {
		x := g.Input("x", vector)
		view := op.Reshape{}.To(x, 1, 3)
		g.Output("y", view)
		overwrite(x, op.Relu{}.Of(op.Reshape{}.To(view, 3)))
	})
	wantVerify(t, "InPlaceAccumulatorV2 overwrites a value that is not a graph input",
		func(g *ir.Graph) {
			g.Output("flag", op.Overwrite{}.Of(op.Relu{}.Of(g.Input("x", vector)), g.Input("v", vector)))
		})
	wantVerify(t, "InPlaceAccumulatorV2 overwrites a value that is not a graph input",
		func(g *ir.Graph) { overwrite(g.Floats([]float32{1, 2, 3}, 3), g.Input("v", vector)) })
	wantVerify(t, "x is overwritten twice", func(g *ir.Graph) {
		x := g.Input("x", vector)
		overwrite(x, op.Relu{}.Of(x))
		g.Output("again", op.Overwrite{}.Of(x, op.Relu{}.Of(x)))
	})
}

func TestVerifyClobbers(t *testing.T) {
	image := ir.T(ir.Float, 2, 3, 4, 4)
	norm := func(g *ir.Graph, mean, variance *ir.Value) {
		s := g.Input("scale", vector)
		op.BatchNormTraining{}.Of(g.Input("images", image), s, s, mean, variance)
	}
	own := func(g *ir.Graph, name string) *ir.Value {
		return op.Split{}.Of(g.Input(name, vector), 0, 3)[0]
	}
	wantVerify(t, "", func(g *ir.Graph) { norm(g, own(g, "m"), own(g, "v")) })
	wantVerify(t, "BatchNormInternal () may write into its input 3, which is a constant or a graph "+
		"input", func(g *ir.Graph) { norm(g, g.Input("m", vector), own(g, "v")) })
	wantVerify(t, "input 4, which is a constant or a graph input", func(g *ir.Graph) {
		norm(g, own(g, "m"), g.Floats([]float32{1, 1, 1}, 3))
	})
	wantVerify(t, "input 3, which is its input 4 too", func(g *ir.Graph) {
		m := own(g, "m")
		norm(g, m, m)
	})
	wantVerify(t, "input 3, which is a view", func(g *ir.Graph) {
		norm(g, op.Reshape{}.To(g.Input("m", ir.T(ir.Float, 1, 3)), 3), own(g, "v"))
	})
	wantVerify(t, "input 3, which is output y", func(g *ir.Graph) {
		m := own(g, "m")
		g.Output("y", m)
		norm(g, m, own(g, "v"))
	})
	wantVerify(t, "input 4, which Relu (cell1) reads too", func(g *ir.Graph) {
		v := own(g, "v")
		norm(g, own(g, "m"), v)
		g.In("cell1", func() { op.Relu{}.Of(v) })
	})
}

// An accumulator owns what it is written over, but not an addend that stays as it is.
func TestVerifyWriteOver(t *testing.T) {
	image := ir.T(ir.Float, 1, 2, 2, 2)
	scaled := func(g *ir.Graph, add *ir.Value, over bool) {
		y := op.Scaled{}.Of(g.Input("images", image), g.Scalar(2), add)
		if over {
			op.WriteOver(y.Def, op.Scaled{})
		}
	}
	wantVerify(t, "", func(g *ir.Graph) { scaled(g, op.Relu{}.Of(g.Input("x", image)), true) })
	wantVerify(t, "", func(g *ir.Graph) { scaled(g, g.Input("x", image), false) })
	wantVerify(t, "Scaled () may write into its input 3, which is a constant or a graph input",
		func(g *ir.Graph) { scaled(g, g.Input("x", image), true) })
	wantVerify(t, "input 3, which Relu () reads too", func(g *ir.Graph) {
		v := op.Relu{}.Of(g.Input("x", image))
		op.Relu{}.Of(v)
		scaled(g, v, true)
	})
}

// wantBuildError checks the message with its place, and that the error is a *BuildError.
func wantBuildError(t *testing.T, want string, build func(g *ir.Graph)) {
	t.Helper()
	g := ir.New("test")
	err := ir.Build(func() { g.In("cell3", func() { g.In("edge7", func() { build(g) }) }) })
	var b *ir.BuildError
	if !errors.As(err, &b) {
		t.Errorf("got %v, want a *BuildError", err)
	} else if err.Error() != want+" (cell3/edge7)" || b.Scope != "cell3/edge7" {
		t.Errorf("got %q, want %q", err, want+" (cell3/edge7)")
	}
}

func TestBuildErrors(t *testing.T) {
	wantBuildError(t, `input: name "x" is empty or already taken`, func(g *ir.Graph) {
		g.Input("x", vector)
		g.Input("x", vector)
	})
	wantBuildError(t, `output: name "x" is empty or already taken`, func(g *ir.Graph) {
		g.Output("x", g.Input("x", vector))
	})
	wantBuildError(t, "output y: value of another graph", func(g *ir.Graph) {
		g.Output("y", ir.New("other").Input("x", vector))
	})
	wantBuildError(t, "Add: input 1 is a value of another graph", func(g *ir.Graph) {
		op.Add{}.Of(g.Input("x", vector), ir.New("other").Input("x", vector))
	})
	wantBuildError(t, "constant: float[2,2] needs 4 elements, got 3", func(g *ir.Graph) {
		g.Floats([]float32{1, 2, 3}, 2, 2)
	})
	wantBuildError(t, "add: shapes [3] and [4] do not broadcast", func(g *ir.Graph) {
		op.Add{}.Of(g.Input("x", vector), g.Input("z", ir.T(ir.Float, 4)))
	})
	g := ir.New("test")
	if err := ir.Build(func() { g.Fail("here") }); err == nil || err.Error() != "here" {
		t.Errorf("without a scope: got %v", err)
	}
}

func TestBuildLetsOtherPanicsThrough(t *testing.T) {
	defer func() {
		if r := recover(); r != "boom" {
			t.Errorf("recovered %v", r)
		}
	}()
	err := ir.Build(func() { panic("boom") })
	t.Errorf("returned %v", err)
}

func TestConstantsAreStoredOnce(t *testing.T) {
	g := ir.New("test")
	one, ints := g.Scalar(1), g.Ints(1, 2)
	if g.Scalar(1) != one || g.Ints(1, 2) != ints {
		t.Error("equal constants are different values")
	}
	if g.Scalar(1) == g.Floats([]float32{1}, 1) || len(g.Constants) != 3 {
		t.Errorf("constants of different shape are one value, or there are not 3: %d", len(g.Constants))
	}
	g.Trim()
	if len(g.Constants) != 0 || g.Scalar(1) != one || len(g.Constants) != 1 {
		t.Errorf("a constant is not there again after it was removed: %d", len(g.Constants))
	}
}

func TestShareMergesEqualNodes(t *testing.T) {
	g := ir.New("test")
	g.Share = true
	x, z := g.Input("x", vector), g.Input("z", vector)
	op.Split{}.Of(x, 0, 1, 2)[0] = nil // the caller's slice, not the graph's
	same := func(want bool, a, b *ir.Value) {
		t.Helper()
		if a == nil || (a == b) != want {
			t.Errorf("one value: %v, want %v", a == b, want)
		}
	}
	same(true, op.Split{}.Of(x, 0, 1, 2)[0], op.Split{}.Of(x, 0, 1, 2)[0])
	same(true, op.Relu{}.Of(x), op.Relu{}.Of(x))
	same(false, op.Relu{}.Of(x), op.Relu{}.Of(z))
	same(false, op.Add{}.Of(x, z), op.Add{}.Of(z, x))
	same(false, op.Reshape{}.To(x, 3, 1), op.Reshape{}.To(x, 1, 3))
	same(false, op.Relu{}.Of(x), op.Sqrt{}.Of(x))
	same(false, op.Overwrite{}.Of(z, x), op.Overwrite{}.Of(z, x))
}

func TestTrimKeepsWhatOutputsNeed(t *testing.T) {
	g := ir.New("test")
	x := g.Input("x", ir.T(ir.Float, 1, 1, 4, 4))
	g.Input("unused", vector)
	pool := op.MaxPool{Kernel: 2, Stride: 2}.Of(x)
	op.Mul{}.Of(pool, g.Scalar(3))
	g.Output("y", op.Mul{}.Of(pool, g.Scalar(2)))
	g.Trim()
	if len(g.Nodes) != 2 || g.Nodes[0] != pool.Def || len(g.Constants) != 1 || len(g.Inputs) != 2 {
		t.Errorf("left %d nodes, %d constants, %d inputs", len(g.Nodes), len(g.Constants), len(g.Inputs))
	}
	if pool.Def.Out[0] == nil || pool.Def.Out[1] != nil {
		t.Error("the pool must keep its result and lose its indices")
	}
	if err := g.Verify(); err != nil {
		t.Error(err)
	}
}

func TestTypeText(t *testing.T) {
	for want, typ := range map[string]ir.Type{"float[16,3,32,32]": ir.T(ir.Float, 16, 3, 32, 32),
		"int64": ir.T(ir.Int64), "bool[1]": ir.T(ir.Bool, 1), "dtype(99)[2]": ir.T(99, 2)} {
		if got := typ.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if b := ir.T(ir.Int64, 2, 3).Bytes(); b != 48 {
		t.Errorf("int64[2,3] has %d bytes", b)
	}
}
