package memory

import (
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/plan"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// Which kernels of ONNX Runtime write over an input that dies: package plan has a table of them, and
// here the arena says whether it is right. Buffers are 1 MiB; anything else is below a tenth of that.
func TestInPlaceKernels(t *testing.T) {
	openRuntime(t)
	for name, apply := range map[string]func(a, x *ir.Value) *ir.Value{
		"Relu":        func(a, x *ir.Value) *ir.Value { return op.Relu{}.Of(a) },
		"Sqrt":        func(a, x *ir.Value) *ir.Value { return op.Sqrt{}.Of(a) },
		"Add left":    func(a, x *ir.Value) *ir.Value { return op.Add{}.Of(a, x) },
		"Add right":   func(a, x *ir.Value) *ir.Value { return op.Add{}.Of(x, a) },
		"Sub left":    func(a, x *ir.Value) *ir.Value { return op.Sub{}.Of(a, x) },
		"Sub right":   func(a, x *ir.Value) *ir.Value { return op.Sub{}.Of(x, a) },
		"Mul left":    func(a, x *ir.Value) *ir.Value { return op.Mul{}.Of(a, x) },
		"Mul right":   func(a, x *ir.Value) *ir.Value { return op.Mul{}.Of(x, a) },
		"Div left":    func(a, x *ir.Value) *ir.Value { return op.Div{}.Of(a, x) },
		"Max left":    func(a, x *ir.Value) *ir.Value { return op.Max{}.Of(a, x) },
		"Softmax":     func(a, x *ir.Value) *ir.Value { return op.Softmax{}.Of(a) },
		"ReluGrad dy": func(a, x *ir.Value) *ir.Value { return a.Graph().Add1(op.ReluGrad{}, a, x) },
		"ReluGrad y":  func(a, x *ir.Value) *ir.Value { return a.Graph().Add1(op.ReluGrad{}, x, a) },
		"Cast": func(a, x *ir.Value) *ir.Value {
			return op.Cast{To: ir.Float}.Of(op.Cast{To: ir.Int32}.Of(a))
		},
		"Flatten": func(a, x *ir.Value) *ir.Value { return op.Flatten{}.Of(a) },
		"BatchNorm": func(a, x *ir.Value) *ir.Value {
			c := a.Graph().Floats([]float32{1, 1, 1, 1}, 4)
			return op.BatchNorm{Epsilon: 1}.Of(a, c, c, c, c)
		},
		"BatchNormGrad dy": func(a, x *ir.Value) *ir.Value {
			c := a.Graph().Floats([]float32{1, 1, 1, 1}, 4)
			return a.Graph().Add1(op.BatchNormGrad{Epsilon: 1}, a, x, c, c, c)
		},
		"BatchNormGrad x": func(a, x *ir.Value) *ir.Value {
			c := a.Graph().Floats([]float32{1, 1, 1, 1}, 4)
			return a.Graph().Add1(op.BatchNormGrad{Epsilon: 1}, x, a, c, c, c)
		},
		"MaxPool": func(a, x *ir.Value) *ir.Value { return op.MaxPool{Kernel: 3, Stride: 1, Pad: 1}.Of(a) },
		"Reshape": func(a, x *ir.Value) *ir.Value { return op.Reshape{}.To(a, 4, 256, 256) },
		"our Scaled": func(a, x *ir.Value) *ir.Value {
			return op.Scaled{}.Of(x, a.Graph().Floats([]float32{1}, 1), a)
		},
		"our Normalize": func(a, x *ir.Value) *ir.Value {
			return op.Normalize{Epsilon: 1}.Of(x, nil, nil, a)[0]
		},
		"our pool gradient": func(a, x *ir.Value) *ir.Value {
			pool := op.DirectMaxPool{Kernel: 3, Stride: 1, Pad: 1}
			return a.Graph().Add1(op.DirectMaxPoolGrad{Pool: pool}, x, x, a)
		},
		"our depthwise gradient": func(a, x *ir.Value) *ir.Value {
			c := op.DepthwiseConv{Kernel: 1, Stride: 1, Dilation: 1}
			w := a.Graph().Floats([]float32{1, 1, 1, 1}, 4)
			return op.DepthwiseGradInput{Conv: c, Height: 256, Width: 256}.Of(a, w)
		},
		"Transpose": func(a, x *ir.Value) *ir.Value { return op.Transpose{Perm: "0213"}.Of(a) },
	} {
		g := ir.New("inplace")
		x := g.Input("x", ir.T(ir.Float, 1, 4, 256, 256))
		g.Output("y", op.ReduceSum{}.Of(apply(op.Mul{}.Of(x, x), x)))
		m, err := onnx.Model(g, onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := &graphgen.Program{Name: name, Graph: g,
			Signature: graphgen.Signature{Inputs: []graphgen.Port{{Name: "x", Type: x.Type}}}}
		if p.Model, err = onnx.Bytes(m); err != nil {
			t.Fatal(err)
		}
		got, err := meter.Measure(t.Context(), p, ort.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		want := plan.Of(g).Peak
		if d := got.Peak - int64(want); d < -100_000 || d > 100_000 {
			t.Errorf("%s: planned %d bytes, the arena handed out %d", name, want, got.Peak)
		}
	}
}
