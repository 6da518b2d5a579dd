package op

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// Reshape gives the data a new shape of the same number of elements.
// https://onnx.ai/onnx/operators/onnx__Reshape.html
type Reshape struct{ shape shapeKey }

// shapeKey is a shape as a comparable value.
type shapeKey string

func keyOf(shape []int) shapeKey { return shapeKey(fmt.Sprint(shape)) }

func (k shapeKey) dims() []int {
	var dims []int
	n, in := 0, false
	for _, c := range k {
		if c >= '0' && c <= '9' {
			n, in = n*10+int(c-'0'), true
		} else if in {
			dims, n, in = append(dims, n), 0, false
		}
	}
	return dims
}

// Expand broadcasts to a larger shape. https://onnx.ai/onnx/operators/onnx__Expand.html
type Expand struct{ shape shapeKey }

// Transpose permutes the axes; Perm as in ONNX, at most 9 axes, written as a string of digits so
// that the operator stays comparable: "01324".
// https://onnx.ai/onnx/operators/onnx__Transpose.html
type Transpose struct{ Perm string }

func (Reshape) OpType() (string, string)   { return ir.Onnx, "Reshape" }
func (Expand) OpType() (string, string)    { return ir.Onnx, "Expand" }
func (Transpose) OpType() (string, string) { return ir.Onnx, "Transpose" }

func (Reshape) Attrs() []ir.Attr     { return nil }
func (Expand) Attrs() []ir.Attr      { return nil }
func (t Transpose) Attrs() []ir.Attr { return []ir.Attr{intsAttr("perm", t.perm())} }

// Aliases marks the result as a view of the input.
func (Reshape) Aliases() {}

func (t Transpose) perm() []int {
	p := make([]int, len(t.Perm))
	for i, c := range t.Perm {
		p[i] = int(c - '0')
	}
	return p
}

// Infer checks that the number of elements stays the same.
func (r Reshape) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("reshape", in, 2, 2); err != nil {
		return nil, err
	}
	out := ir.T(in[0].DType, r.shape.dims()...)
	if err := int64s("reshape", in, 1, out.Rank()); err != nil {
		return nil, err
	}
	if out.Elements() != in[0].Elements() {
		return nil, fmt.Errorf("reshape: %v has %d elements, %v has %d",
			in[0], in[0].Elements(), out, out.Elements())
	}
	return []ir.Type{out}, nil
}

// Infer checks that the input broadcasts to the shape.
func (e Expand) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("expand", in, 2, 2); err != nil {
		return nil, err
	}
	shape := e.shape.dims()
	if err := int64s("expand", in, 1, len(shape)); err != nil {
		return nil, err
	}
	if s, err := broadcast(in[0].Shape, shape); err != nil || !slices.Equal(s, shape) {
		return nil, fmt.Errorf("expand: %v does not broadcast to %v", in[0], shape)
	}
	return []ir.Type{ir.T(in[0].DType, shape...)}, nil
}

// Infer permutes the shape.
func (t Transpose) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("transpose", in, 1, 1); err != nil {
		return nil, err
	}
	perm := t.perm()
	if len(perm) != in[0].Rank() {
		return nil, fmt.Errorf("transpose: permutation %v of %v", perm, in[0])
	}
	out := make([]int, len(perm))
	seen := make([]bool, len(perm))
	for i, a := range perm {
		if a < 0 || a >= len(perm) || seen[a] {
			return nil, fmt.Errorf("transpose: %v is not a permutation", perm)
		}
		seen[a] = true
		out[i] = in[0].Shape[a]
	}
	return []ir.Type{ir.T(in[0].DType, out...)}, nil
}

// To adds the reshape, or nothing if x has the shape already.
func (Reshape) To(x *ir.Value, shape ...int) *ir.Value {
	if slices.Equal(x.Shape, shape) {
		return x
	}
	return x.Graph().Add1(Reshape{keyOf(shape)}, x, dims(x, shape))
}

// To adds the broadcast.
func (Expand) To(x *ir.Value, shape ...int) *ir.Value {
	return x.Graph().Add1(Expand{keyOf(shape)}, x, dims(x, shape))
}

// Free adds the reshape in a form that works for any length of the first axis.
func (Reshape) Free(x *ir.Value, shape ...int) *ir.Value {
	free := slices.Clone(shape)
	free[0] = -1 // ONNX: -1 is whatever makes the number of elements right
	return x.Graph().Add1(Reshape{keyOf(shape)}, x, dims(x, free))
}

// Free adds the broadcast in a form that works for any length of the axes that keep theirs.
func (Expand) Free(x *ir.Value, shape ...int) *ir.Value {
	free := slices.Clone(shape)
	for i, d := range x.Shape {
		if at := len(shape) - x.Rank() + i; shape[at] == d {
			free[at] = 1 // ONNX: broadcasting goes both ways
		}
	}
	return x.Graph().Add1(Expand{keyOf(shape)}, x, dims(x, free))
}

// Of adds the permutation.
func (t Transpose) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(t, x) }

// dims is a shape as an int64 constant in the graph of x.
func dims(x *ir.Value, shape []int) *ir.Value {
	d := make([]int64, len(shape))
	for i, n := range shape {
		d[i] = int64(n)
	}
	return x.Graph().Ints(d...)
}

// VJP: reshape back.
func (Reshape) VJP(p ir.Pullback) []*ir.Value {
	return []*ir.Value{Reshape{}.To(p.Dy[0], p.In(0).Shape...), nil}
}

// VJP: sum over the broadcast axes.
func (Expand) VJP(p ir.Pullback) []*ir.Value {
	return []*ir.Value{sumTo(p.Dy[0], p.In(0)), nil}
}

// VJP: the inverse permutation.
func (t Transpose) VJP(p ir.Pullback) []*ir.Value {
	inv := make([]byte, len(t.Perm))
	for i, a := range t.perm() {
		inv[a] = byte('0' + i)
	}
	return []*ir.Value{Transpose{string(inv)}.Of(p.Dy[0])}
}
