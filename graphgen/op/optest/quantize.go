package optest

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Quantize covers what deployment models add: 8-bit integers, float16, and bfloat16. Scales are
// powers of two, so that float32 and float64 agree on which values lie half-way, and the inputs
// exceed the range at both ends.
func Quantize() []Case {
	deployed := func(name string, in Input, f func(x *ir.Value) *ir.Value) Case {
		return Case{Name: "quantize/" + name, NoGrad: true, Inputs: []Input{in},
			Build: one(func(x []*ir.Value) *ir.Value { return f(x[0]) })}
	}
	through := func(to ir.DType, zero byte) func(x *ir.Value) *ir.Value {
		return func(x *ir.Value) *ir.Value {
			g := x.Graph()
			scale := g.Scalar(1. / 16)
			z := g.Constant(ir.T(to), &ir.Constant{Bytes: []byte{zero}})
			return op.DequantizeLinear{}.Of(op.QuantizeLinear{To: to}.Of(x, scale, z), scale, z)
		}
	}
	weights := func(x *ir.Value) *ir.Value { // [4,1,3,2], a scale per output channel
		g, bytes := x.Graph(), make([]byte, 24)
		for i := range bytes {
			bytes[i] = byte(53*i - 128)
		}
		w := g.Constant(ir.T(ir.Int8, 4, 1, 3, 2), &ir.Constant{Bytes: bytes})
		zero := g.Constant(ir.T(ir.Int8, 4), &ir.Constant{Bytes: make([]byte, 4)})
		return op.Mul{}.Of(x, op.DequantizeLinear{}.Of(w, g.Floats([]float32{1, .5, .25, .125}, 4), zero))
	}
	bias := func(x *ir.Value) *ir.Value {
		g := x.Graph()
		b := g.Constant(ir.T(ir.Int32, 2), &ir.Constant{Bytes: []byte{1, 2, 0, 0, 254, 255, 255, 255}})
		zero := g.Constant(ir.T(ir.Int32, 2), &ir.Constant{Bytes: make([]byte, 8)})
		return op.Add{}.Of(x, op.DequantizeLinear{}.Of(b, g.Floats([]float32{.5, .25}, 2), zero))
	}
	halves := func(x *ir.Value) *ir.Value {
		g := x.Graph()
		half := g.Constant(ir.T(ir.Float16, 2), &ir.Constant{Bytes: []byte{0x00, 0x34, 0x00, 0xc0}})
		return op.Cast{To: ir.Float}.Of(op.Mul{}.Of(op.Cast{To: ir.Float16}.Of(x), half))
	}
	// ONNX Runtime drops some pairs of casts; it must not drop pairs that round.
	rounded := func(x *ir.Value) *ir.Value {
		return op.Cast{To: ir.Float}.Of(op.Cast{To: ir.BFloat16}.Of(x))
	}
	return []Case{
		deployed("int8", Apart(8, 7, 10), through(ir.Int8, 3)),
		deployed("uint8", Apart(8, 7, 10), through(ir.Uint8, 131)),
		deployed("weights", Normal(4, 1, 3, 2), weights),
		deployed("bias", Normal(3, 2), bias),
		deployed("float16/cast", Normal(5, 2), func(x *ir.Value) *ir.Value {
			return op.Cast{To: ir.Float}.Of(op.Cast{To: ir.Float16}.Of(x))
		}),
		deployed("float16/weights", Apart(5, 2), halves),
		deployed("bfloat16/cast", Normal(5, 2), rounded),
		deployed("bfloat16/kept", Normal(5, 2), func(x *ir.Value) *ir.Value {
			return op.Add{}.Of(rounded(op.Relu{}.Of(x)), rounded(op.Mul{}.Of(x, x)))
		}),
	}
}
