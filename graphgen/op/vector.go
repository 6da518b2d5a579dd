package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// SliceVector cuts the elements [From, From+Length) out of a vector.
// https://onnx.ai/onnx/operators/onnx__Slice.html
type SliceVector struct{ From, Length int }

// PadVector adds zeros before and after a vector. https://onnx.ai/onnx/operators/onnx__Pad.html
type PadVector struct{ Before, After int }

func (SliceVector) OpType() (string, string) { return ir.Onnx, "Slice" }
func (PadVector) OpType() (string, string)   { return ir.Onnx, "Pad" }

func (SliceVector) Attrs() []ir.Attr { return nil }
func (PadVector) Attrs() []ir.Attr   { return nil }

// Infer gives [N] -> [Length]; the other inputs are the start, the end and the axis, each int64[1].
func (s SliceVector) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("slice", in, 4, 4); err != nil {
		return nil, err
	}
	for i := 1; i < 4; i++ {
		if err := int64s("slice", in, i, 1); err != nil {
			return nil, err
		}
	}
	if in[0].Rank() != 1 || s.From < 0 || s.Length < 1 || s.From+s.Length > in[0].Shape[0] {
		return nil, fmt.Errorf("slice: %v has no elements %d to %d", in[0], s.From, s.From+s.Length)
	}
	return []ir.Type{ir.T(in[0].DType, s.Length)}, nil
}

// Infer gives [N] -> [Before+N+After]; the other input is the padding, int64[2].
func (o PadVector) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("pad", in, 2, 2); err != nil {
		return nil, err
	}
	if err := int64s("pad", in, 1, 2); err != nil {
		return nil, err
	}
	if in[0].Rank() != 1 || o.Before < 0 || o.After < 0 {
		return nil, fmt.Errorf("pad: %d zeros before and %d after %v: a vector and at least 0", o.Before,
			o.After, in[0])
	}
	return []ir.Type{ir.T(in[0].DType, o.Before+in[0].Shape[0]+o.After)}, nil
}

// Of cuts the elements out of x.
func (s SliceVector) Of(x *ir.Value) *ir.Value {
	g := x.Graph()
	return g.Add1(s, x, g.Ints(int64(s.From)), g.Ints(int64(s.From+s.Length)), g.Ints(0))
}

// Of adds the zeros to x.
func (o PadVector) Of(x *ir.Value) *ir.Value {
	return x.Graph().Add1(o, x, x.Graph().Ints(int64(o.Before), int64(o.After)))
}

// VJP: pad with zeros.
func (s SliceVector) VJP(p ir.Pullback) []*ir.Value {
	rest := p.Node.In[0].Shape[0] - s.From - s.Length
	return []*ir.Value{PadVector{Before: s.From, After: rest}.Of(p.Dy[0]), nil, nil, nil}
}

// VJP: cut the padding off.
func (o PadVector) VJP(p ir.Pullback) []*ir.Value {
	return []*ir.Value{SliceVector{From: o.Before, Length: p.Node.In[0].Shape[0]}.Of(p.Dy[0]), nil}
}
