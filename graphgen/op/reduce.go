package op

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// ReduceSum sums over axes, which stay with length 1; no axes means all.
// https://onnx.ai/onnx/operators/onnx__ReduceSum.html
type ReduceSum struct{ axes shapeKey }

// ReduceMean is the mean over all elements, a scalar.
// https://onnx.ai/onnx/operators/onnx__ReduceMean.html
type ReduceMean struct{}

// ReduceSumSquare is the sum of squares over all elements, a scalar.
// https://onnx.ai/onnx/operators/onnx__ReduceSumSquare.html
type ReduceSumSquare struct{}

// ReduceMin is the smallest of all elements, a scalar; it has no gradient here.
// https://onnx.ai/onnx/operators/onnx__ReduceMin.html
type ReduceMin struct{}

// ReduceMax is the largest of all elements, a scalar; it has no gradient here.
// https://onnx.ai/onnx/operators/onnx__ReduceMax.html
type ReduceMax struct{}

func (ReduceSum) OpType() (string, string)       { return ir.Onnx, "ReduceSum" }
func (ReduceMean) OpType() (string, string)      { return ir.Onnx, "ReduceMean" }
func (ReduceSumSquare) OpType() (string, string) { return ir.Onnx, "ReduceSumSquare" }
func (ReduceMin) OpType() (string, string)       { return ir.Onnx, "ReduceMin" }
func (ReduceMax) OpType() (string, string)       { return ir.Onnx, "ReduceMax" }

func (ReduceSum) Attrs() []ir.Attr       { return []ir.Attr{{Name: "keepdims", Value: 1}} }
func (ReduceMean) Attrs() []ir.Attr      { return []ir.Attr{{Name: "keepdims", Value: 0}} }
func (ReduceSumSquare) Attrs() []ir.Attr { return []ir.Attr{{Name: "keepdims", Value: 0}} }
func (ReduceMin) Attrs() []ir.Attr       { return []ir.Attr{{Name: "keepdims", Value: 0}} }
func (ReduceMax) Attrs() []ir.Attr       { return []ir.Attr{{Name: "keepdims", Value: 0}} }

// Infer sets the axes to 1.
func (r ReduceSum) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("reduce sum", in, 2, 2); err != nil {
		return nil, err
	}
	axes := r.axes.dims()
	if err := int64s("reduce sum", in, 1, len(axes)); err != nil {
		return nil, err
	}
	out := ir.T(in[0].DType, in[0].Shape...)
	for _, a := range axes {
		if a >= out.Rank() {
			return nil, fmt.Errorf("reduce sum: axis %d of %v", a, in[0])
		}
		out.Shape[a] = 1
	}
	return []ir.Type{out}, float("reduce sum", in[0])
}

func toScalar(name string, in []ir.Type) ([]ir.Type, error) {
	if err := arity(name, in, 1, 1); err != nil {
		return nil, err
	}
	return []ir.Type{ir.T(in[0].DType)}, float(name, in[0])
}

func (ReduceMean) Infer(in []ir.Type) ([]ir.Type, error) { return toScalar("reduce mean", in) }
func (ReduceSumSquare) Infer(in []ir.Type) ([]ir.Type, error) {
	return toScalar("reduce sum of squares", in)
}
func (ReduceMin) Infer(in []ir.Type) ([]ir.Type, error) { return toScalar("reduce min", in) }
func (ReduceMax) Infer(in []ir.Type) ([]ir.Type, error) { return toScalar("reduce max", in) }

// Of adds the sum over the axes.
func (ReduceSum) Of(x *ir.Value, axes ...int64) *ir.Value {
	a := make([]int, 0, x.Rank())
	for _, n := range axes {
		a = append(a, int(n))
	}
	if len(a) == 0 {
		for i := range x.Rank() {
			a = append(a, i)
		}
	}
	if len(a) == 0 {
		return x
	}
	slices.Sort(a)
	return x.Graph().Add1(ReduceSum{keyOf(a)}, x, dims(x, a))
}

// Of adds the mean of all elements.
func (o ReduceMean) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// Of adds the sum of squares of all elements.
func (o ReduceSumSquare) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// Of adds the smallest element.
func (o ReduceMin) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// Of adds the largest element.
func (o ReduceMax) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// VJP: every element gets the cotangent of its sum.
func (ReduceSum) VJP(p ir.Pullback) []*ir.Value {
	return []*ir.Value{Expand{}.To(p.Dy[0], p.In(0).Shape...), nil}
}

// VJP: every element gets dy/n.
func (ReduceMean) VJP(p ir.Pullback) []*ir.Value {
	x := p.In(0)
	// This is a division because 1/n is seldom a float32, while n up to 2^24 always is.
	share := Div{}.Of(p.Dy[0], constant(x, float32(x.Elements())))
	return []*ir.Value{Expand{}.To(share, x.Shape...)}
}

// VJP: 2 x dy.
func (ReduceSumSquare) VJP(p ir.Pullback) []*ir.Value {
	x := p.In(0)
	return []*ir.Value{Mul{}.Of(x, Mul{}.Of(p.Dy[0], constant(x, 2)))}
}
