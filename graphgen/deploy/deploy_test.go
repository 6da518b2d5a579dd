package deploy_test

import (
	"math"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/deploy"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

var (
	image = ir.T(ir.Float, 1, 2, 3, 3)
	point = op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 1}
)

// named is a constant with a name, as weights are.
func named(g *ir.Graph, name string, data []float32, shape ...int) *ir.Value {
	return g.Named(name, ir.T(ir.Float, shape...), &ir.Constant{Float: data})
}

// norm is the batch norm 2 (x - 1) / 2 + .5 = x - .5 (variance 3.75, epsilon .25) in every channel.
func norm(x *ir.Value) *ir.Value {
	g, c := x.Graph(), x.Shape[1]
	of := func(v float32) *ir.Value { return g.Floats(slices.Repeat([]float32{v}, c), c) }
	return op.BatchNorm{Epsilon: .25}.Of(x, of(2), of(.5), of(1), of(3.75))
}

func conv(x *ir.Value, name string, w ...float32) *ir.Value {
	return point.Of(x, named(x.Graph(), name, w, len(w)/x.Shape[1], x.Shape[1], 1, 1))
}

// wantFold checks how many batch norms are left and that the result is unchanged.
func wantFold(t *testing.T, name string, left int, build func(g *ir.Graph, x *ir.Value)) {
	t.Helper()
	make := func() *ir.Graph {
		g := ir.New(name)
		build(g, g.Input("x", image))
		return g
	}
	in := map[string]*eval.Tensor{"x": eval.Floats([]float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4,
		3, 2, 1}, image.Shape...)}
	want := check.Must(eval.Run(make(), in))(t)
	g := make()
	if err := deploy.Fold(g); err != nil {
		t.Fatal(err)
	}
	got := check.Must(eval.Run(g, in))(t)
	for o := range want {
		check.Close(t, name+" "+o, got[o].F, want[o].F, 1e-6, 0)
	}
	for _, n := range g.Nodes {
		if _, ok := n.Op.(op.BatchNorm); ok {
			left--
		}
	}
	if left != 0 {
		t.Errorf("%s: %d batch norms too few are left", name, left)
	}
}

func TestFold(t *testing.T) {
	wantFold(t, "convolution", 0, func(g *ir.Graph, x *ir.Value) {
		g.Output("y", norm(conv(x, "w", 1, 2, 3, 4)))
	})
	wantFold(t, "concatenation", 0, func(g *ir.Graph, x *ir.Value) {
		g.Output("y", norm(op.Concat{Axis: 1}.Of(conv(x, "a", 1, 2), conv(x, "b", 3, 4, 5, 6))))
	})
	wantFold(t, "chain", 0, func(g *ir.Graph, x *ir.Value) {
		g.Output("y", norm(conv(norm(conv(x, "a", 1, 2, 3, 4)), "b", 5, 6, 7, 8)))
	})
	wantFold(t, "padded", 0, func(g *ir.Graph, x *ir.Value) { // the bias comes after the padding
		w := named(g, "weight", make([]float32, 18), 1, 2, 3, 3)
		for i := range w.Const.Float {
			w.Const.Float[i] = float32(i)
		}
		g.Output("y", norm(op.Conv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Group: 1}.Of(x, w)))
	})
}

// Fold must leave alone what another node reads as well.
func TestFoldLeaves(t *testing.T) {
	wantFold(t, "pool", 1, func(g *ir.Graph, x *ir.Value) {
		g.Output("y", norm(op.AveragePool{Kernel: 3, Stride: 1, Pad: 1}.Of(x)))
	})
	wantFold(t, "input", 1, func(g *ir.Graph, x *ir.Value) { g.Output("y", norm(x)) })
	wantFold(t, "two readers", 1, func(g *ir.Graph, x *ir.Value) {
		y := conv(x, "w", 1, 2, 3, 4)
		g.Output("y", op.Add{}.Of(norm(y), y))
	})
	wantFold(t, "output", 1, func(g *ir.Graph, x *ir.Value) {
		y := conv(x, "w", 1, 2, 3, 4)
		g.Output("z", y)
		g.Output("y", norm(y))
	})
	wantFold(t, "shared weight", 2, func(g *ir.Graph, x *ir.Value) {
		w := named(g, "w", []float32{1, 2, 3, 4}, 2, 2, 1, 1)
		g.Output("y", norm(point.Of(op.Relu{}.Of(norm(point.Of(x, w))), w)))
	})
	wantFold(t, "half a concatenation", 1, func(g *ir.Graph, x *ir.Value) {
		g.Output("y", norm(op.Concat{Axis: 1}.Of(conv(x, "a", 1, 2), x)))
	})
}

func TestCount(t *testing.T) {
	g := ir.New("count")
	x := g.Input("x", ir.T(ir.Float, 1, 4, 6, 6))
	depthwise := op.Conv{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1, Group: 4}
	x = depthwise.Of(x, named(g, "d", make([]float32, 36), 4, 1, 3, 3)) // [1,4,3,3]
	x = point.OfBias(x, named(g, "p", make([]float32, 20), 5, 4, 1, 1), named(g, "b", make([]float32, 5), 5))
	x = op.Flatten{}.Of(op.GlobalAveragePool{}.Of(op.Relu{}.Of(x)))
	g.Output("y", op.Gemm{TransB: true}.Of(x, named(g, "w", make([]float32, 15), 3, 5),
		named(g, "c", make([]float32, 3), 3)))
	want := deploy.Cost{Parameters: 36 + 20 + 5 + 15 + 3, MACs: 36*9 + 45*4 + 3*5}
	if got := deploy.Count(g); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Half rounds to the same bits as a cast, which package eval computes in another way.
func TestHalfBits(t *testing.T) {
	var in []float32
	for _, x := range []float64{0, 1, 1. / 3, 1 + 1./2048, 1 + 3./2048, 2 - 1./4096, 65504, 65519, 6e-5,
		6.1e-5, 1. / (1 << 14), 1e-7, 3e-8, 2.9e-8, 1e-30, math.Pi, 1023.75} {
		in = append(in, float32(x), float32(-x))
	}
	g := ir.New("half")
	x := g.Input("x", ir.T(ir.Float, len(in)))
	g.Output("y", op.Add{}.Of(x, named(g, "w", in, len(in))))
	h := check.Must(deploy.Half(g))(t)
	zero := eval.Floats(make([]float64, len(in)), len(in))
	got := check.Must(eval.Run(h, map[string]*eval.Tensor{"x": zero}))(t)["y"].F
	cast := ir.New("cast")
	cast.Output("y", op.Cast{To: ir.Float16}.Of(named(cast, "w", in, len(in))))
	want := check.Must(eval.Run(cast, nil))(t)["y"].F
	check.Close(t, "halves", got, want, 0, 0)
}

// quantizable is a convolution with bias, in a graph whose numbers 8 bits hold exactly.
func quantizable(w, b []float32) *ir.Graph {
	g := ir.New("quantizable")
	x := g.Input("x", image)
	y := point.OfBias(x, named(g, "w", w, 2, 2, 1, 1), named(g, "b", b, 2))
	g.Output("y", op.MaxPool{Kernel: 3, Stride: 1, Pad: 1}.Of(op.Relu{}.Of(y)))
	return g
}

func TestQuantize(t *testing.T) {
	x := eval.Floats([]float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4, 3, 2, 1}, image.Shape...)
	in := map[string]*eval.Tensor{"x": x}
	w, b := []float32{63, -3, .25, -15.75}, []float32{-100, 8}
	n := check.Must(deploy.Observe(quantizable(w, b)))(t)
	if n != 2 { // input and Relu: the pool passes on, the convolution has one reader
		t.Fatalf("%d activations, want 2", n)
	}
	// A step of 1 for the input and of 4 for the result: off by at most half a step.
	g := quantizable(w, b)
	if err := deploy.Quantize(g, []deploy.Range{{Min: -100, Max: 155}, {Min: 3, Max: 1020}}); err != nil {
		t.Fatal(err)
	}
	want := check.Must(eval.Run(quantizable(w, b), in))(t)["y"].F
	got := check.Must(eval.Run(g, in))(t)["y"].F
	check.Close(t, "y", got, want, 2, 0)
	for i, y := range got {
		if math.Mod(y, 4) != 0 {
			t.Errorf("result %d is %v, which is no step of 4", i, y)
		}
	}
}

// A filter that has faded to nothing keeps its bias.
func TestQuantizeFadedFilter(t *testing.T) {
	w, b := []float32{1e-12, -1e-12, 0, 0}, []float32{5, 0}
	g := quantizable(w, b)
	if err := deploy.Quantize(g, []deploy.Range{{Min: 0, Max: 9}, {Min: 0, Max: 5}}); err != nil {
		t.Fatal(err)
	}
	x := eval.Floats(make([]float64, 18), image.Shape...)
	got := check.Must(eval.Run(g, map[string]*eval.Tensor{"x": x}))(t)["y"].F
	check.Close(t, "y", got, []float64{5, 5, 5, 5, 5, 5, 5, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 1e-6, 0)
}

func TestQuantizeErrors(t *testing.T) {
	nan := float32(math.NaN())
	w, b := make([]float32, 4), make([]float32, 2)
	check.Error(t, deploy.Quantize(quantizable(w, b), nil), "quantize: 0 ranges for 2 activations")
	check.Error(t, deploy.Quantize(quantizable(w, b), []deploy.Range{{Max: 1}, {Min: nan, Max: nan}}),
		"activation 1 ranges from NaN")
	check.Error(t, deploy.Quantize(quantizable(w, b), []deploy.Range{{Min: 2, Max: 1}, {}}),
		"activation 0 ranges from 2 to 1")
	g := ir.New("variable")
	x := g.Input("x", image)
	g.Output("y", point.Of(x, g.Input("w", ir.T(ir.Float, 2, 2, 1, 1))))
	check.Error(t, deploy.Quantize(g, make([]deploy.Range, 2)), "constant weight")
}
