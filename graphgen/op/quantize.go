package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// QuantizeLinear is saturate(round(X/scale) + zero), rounded half to even. Its inputs are X and the
// scalars scale and zero. To is the type of zero and of the result, int8 or uint8; it is not an
// attribute of the ONNX operator. QuantizeLinear is for deployment and has no gradient.
// https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
type QuantizeLinear struct{ To ir.DType }

// DequantizeLinear is scale (X - zero). Its inputs are X, scale and zero; the last two are scalars,
// or vectors along Axis. The standard requires an int32 zero to be 0: biases are stored that way.
// https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html
type DequantizeLinear struct{ Axis int }

func (QuantizeLinear) OpType() (string, string)   { return ir.Onnx, "QuantizeLinear" }
func (DequantizeLinear) OpType() (string, string) { return ir.Onnx, "DequantizeLinear" }

func (QuantizeLinear) Attrs() []ir.Attr     { return nil }
func (o DequantizeLinear) Attrs() []ir.Attr { return []ir.Attr{{Name: "axis", Value: o.Axis}} }

// Infer gives the shape of X and the type of the zero point.
func (o QuantizeLinear) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("quantize", in, 3, 3); err != nil {
		return nil, err
	}
	if o.To != ir.Int8 && o.To != ir.Uint8 {
		return nil, fmt.Errorf("quantize: the result is int8 or uint8, not %v", o.To)
	}
	if scale, zero := ir.T(in[0].DType), ir.T(o.To); !in[1].Equal(scale) || !in[2].Equal(zero) {
		return nil, fmt.Errorf("quantize: %v to %v needs scale %v and zero point %v, got %v and %v",
			in[0], o.To, scale, zero, in[1], in[2])
	}
	return []ir.Type{ir.T(o.To, in[0].Shape...)}, float("quantize", in[0])
}

// Infer gives the shape of X and the type of the scale.
func (o DequantizeLinear) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("dequantize", in, 3, 3); err != nil {
		return nil, err
	}
	x, scale := in[0], in[1]
	want := []int{}
	if scale.Rank() != 0 {
		if o.Axis < 0 || o.Axis >= x.Rank() {
			return nil, fmt.Errorf("dequantize: axis %d of %v", o.Axis, x)
		}
		want = x.Shape[o.Axis : o.Axis+1]
	}
	if d := x.DType; d != ir.Int8 && d != ir.Uint8 && d != ir.Int32 {
		return nil, fmt.Errorf("dequantize: input must be int8, uint8 or int32, got %v", x)
	}
	if !scale.Equal(ir.T(scale.DType, want...)) || !in[2].Equal(ir.T(x.DType, want...)) {
		return nil, fmt.Errorf("dequantize: %v needs scale and zero point of shape %v, got %v and %v", x,
			want, scale, in[2])
	}
	return []ir.Type{ir.T(scale.DType, x.Shape...)}, float("dequantize", scale)
}

// Of adds the quantisation of x.
func (o QuantizeLinear) Of(x, scale, zero *ir.Value) *ir.Value {
	return x.Graph().Add1(o, x, scale, zero)
}

// Of adds the floating point numbers that x encodes.
func (o DequantizeLinear) Of(x, scale, zero *ir.Value) *ir.Value {
	return x.Graph().Add1(o, x, scale, zero)
}
