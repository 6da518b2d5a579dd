package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// ArgMax is the index of the largest element of every row: [B,K] -> int64 [B].
// https://onnx.ai/onnx/operators/onnx__ArgMax.html
type ArgMax struct{}

// Equal compares elementwise. https://onnx.ai/onnx/operators/onnx__Equal.html
type Equal struct{}

// Cast converts the element type. https://onnx.ai/onnx/operators/onnx__Cast.html
type Cast struct{ To ir.DType }

func (ArgMax) OpType() (string, string) { return ir.Onnx, "ArgMax" }
func (Equal) OpType() (string, string)  { return ir.Onnx, "Equal" }
func (Cast) OpType() (string, string)   { return ir.Onnx, "Cast" }

// Attrs are axis and keepdims.
func (ArgMax) Attrs() []ir.Attr {
	return []ir.Attr{{Name: "axis", Value: 1}, {Name: "keepdims", Value: 0}}
}
func (Equal) Attrs() []ir.Attr  { return nil }
func (c Cast) Attrs() []ir.Attr { return []ir.Attr{{Name: "to", Value: int(c.To)}} }

// Infer gives int64 [B].
func (ArgMax) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("argmax", in, 1, 1); err != nil {
		return nil, err
	}
	if in[0].Rank() != 2 {
		return nil, fmt.Errorf("argmax: needs [B,K], got %v", in[0])
	}
	return []ir.Type{ir.T(ir.Int64, in[0].Shape[0])}, nil
}

// Infer gives bool of the common shape.
func (Equal) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("equal", in, 2, 2); err != nil {
		return nil, err
	}
	if !in[0].Equal(in[1]) {
		return nil, fmt.Errorf("equal: types differ: %v and %v", in[0], in[1])
	}
	return []ir.Type{ir.T(ir.Bool, in[0].Shape...)}, nil
}

// Infer changes the element type.
func (c Cast) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("cast", in, 1, 1); err != nil {
		return nil, err
	}
	return []ir.Type{ir.T(c.To, in[0].Shape...)}, nil
}

// Of adds the row-wise argmax.
func (o ArgMax) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// Of adds the comparison.
func (o Equal) Of(x, y *ir.Value) *ir.Value { return x.Graph().Add1(o, x, y) }

// Of adds the conversion.
func (c Cast) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(c, x) }

// CountCorrect is the float32 scalar number of rows of scores[B,K] whose argmax is the label.
func CountCorrect(scores, labels *ir.Value) *ir.Value {
	hit := Cast{ir.Float}.Of(Equal{}.Of(ArgMax{}.Of(scores), labels))
	return Reshape{}.To(ReduceSum{}.Of(hit))
}
