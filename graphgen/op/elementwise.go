package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// Add is x + y with broadcasting. https://onnx.ai/onnx/operators/onnx__Add.html
type Add struct{}

// Sub is x - y with broadcasting. https://onnx.ai/onnx/operators/onnx__Sub.html
type Sub struct{}

// Mul is x * y with broadcasting. https://onnx.ai/onnx/operators/onnx__Mul.html
type Mul struct{}

// Div is x / y with broadcasting. https://onnx.ai/onnx/operators/onnx__Div.html
type Div struct{}

// Max is the larger of x and y, with broadcasting; it has no gradient here.
// https://onnx.ai/onnx/operators/onnx__Max.html
type Max struct{}

// Sqrt is the square root. https://onnx.ai/onnx/operators/onnx__Sqrt.html
type Sqrt struct{}

func (Add) OpType() (string, string)  { return ir.Onnx, "Add" }
func (Sub) OpType() (string, string)  { return ir.Onnx, "Sub" }
func (Mul) OpType() (string, string)  { return ir.Onnx, "Mul" }
func (Div) OpType() (string, string)  { return ir.Onnx, "Div" }
func (Max) OpType() (string, string)  { return ir.Onnx, "Max" }
func (Sqrt) OpType() (string, string) { return ir.Onnx, "Sqrt" }

func (Add) Attrs() []ir.Attr  { return nil }
func (Sub) Attrs() []ir.Attr  { return nil }
func (Mul) Attrs() []ir.Attr  { return nil }
func (Div) Attrs() []ir.Attr  { return nil }
func (Max) Attrs() []ir.Attr  { return nil }
func (Sqrt) Attrs() []ir.Attr { return nil }

// sum is the type rule of Add and Sub, which also apply to indices.
func sum(name string, in []ir.Type) ([]ir.Type, error) {
	if len(in) == 2 && in[0].DType == ir.Int32 && in[1].DType == ir.Int32 {
		s, err := broadcast(in[0].Shape, in[1].Shape)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return []ir.Type{ir.T(ir.Int32, s...)}, nil
	}
	return binary(name, in)
}

func binary(name string, in []ir.Type) ([]ir.Type, error) {
	if err := arity(name, in, 2, 2); err != nil {
		return nil, err
	}
	if in[0].DType != in[1].DType {
		return nil, fmt.Errorf("%s: element types differ: %v and %v", name, in[0], in[1])
	}
	s, err := broadcast(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return []ir.Type{ir.T(in[0].DType, s...)}, float(name, in[0])
}

func (Add) Infer(in []ir.Type) ([]ir.Type, error)  { return sum("add", in) }
func (Sub) Infer(in []ir.Type) ([]ir.Type, error)  { return sum("sub", in) }
func (Mul) Infer(in []ir.Type) ([]ir.Type, error)  { return binary("mul", in) }
func (Div) Infer(in []ir.Type) ([]ir.Type, error)  { return binary("div", in) }
func (Max) Infer(in []ir.Type) ([]ir.Type, error)  { return binary("max", in) }
func (Sqrt) Infer(in []ir.Type) ([]ir.Type, error) { return same("sqrt", in) }

// Of adds x + y.
func (o Add) Of(x, y *ir.Value) *ir.Value { return x.Graph().Add1(o, x, y) }

// Of adds x - y.
func (o Sub) Of(x, y *ir.Value) *ir.Value { return x.Graph().Add1(o, x, y) }

// Of adds x * y.
func (o Mul) Of(x, y *ir.Value) *ir.Value { return x.Graph().Add1(o, x, y) }

// Of adds x / y.
func (o Div) Of(x, y *ir.Value) *ir.Value { return x.Graph().Add1(o, x, y) }

// Of adds max(x, y).
func (o Max) Of(x, y *ir.Value) *ir.Value { return x.Graph().Add1(o, x, y) }

// Of adds sqrt(x).
func (o Sqrt) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// VJP: d(x+y) = dx + dy.
func (Add) VJP(p ir.Pullback) []*ir.Value {
	dx := make([]*ir.Value, 2)
	for i, need := range p.Need {
		if need {
			dx[i] = sumTo(p.Dy[0], p.In(i))
		}
	}
	return dx
}

// VJP: d(x-y) = dx - dy.
func (Sub) VJP(p ir.Pullback) []*ir.Value {
	dx := make([]*ir.Value, 2)
	if p.Need[0] {
		dx[0] = sumTo(p.Dy[0], p.In(0))
	}
	if p.Need[1] {
		dx[1] = Mul{}.Of(sumTo(p.Dy[0], p.In(1)), minusOne(p.In(1)))
	}
	return dx
}

// VJP: d(xy) = y dx + x dy. The gradient of a single number is a dot product, which needs no buffer
// as large as the other operand.
func (Mul) VJP(p ir.Pullback) []*ir.Value {
	dx := make([]*ir.Value, 2)
	for i, need := range p.Need {
		other := p.In(1 - i)
		switch {
		case !need:
		case p.In(i).Elements() == 1 && other.Type.Equal(p.Dy[0].Type):
			dx[i] = Reshape{}.To(dot(p.Dy[0], other), p.In(i).Shape...)
		default:
			dx[i] = sumTo(Mul{}.Of(p.Dy[0], other), p.In(i))
		}
	}
	return dx
}

// VJP: d(x/y) = dx/y - (x/y) dy/y.
func (Div) VJP(p ir.Pullback) []*ir.Value {
	dx := make([]*ir.Value, 2)
	if !p.Need[0] && !p.Need[1] {
		return dx
	}
	q := Div{}.Of(p.Dy[0], p.In(1))
	if p.Need[0] {
		dx[0] = sumTo(q, p.In(0))
	}
	if p.Need[1] {
		dx[1] = Mul{}.Of(sumTo(Mul{}.Of(q, p.Out(0)), p.In(1)), minusOne(p.In(1)))
	}
	return dx
}

// VJP: d sqrt(x) = dx / (2 sqrt(x)).
func (Sqrt) VJP(p ir.Pullback) []*ir.Value {
	half := Mul{}.Of(p.Dy[0], constant(p.Dy[0], 0.5))
	return []*ir.Value{Div{}.Of(half, p.Out(0))}
}

// constant is the float32 scalar x in the graph of v.
func constant(v *ir.Value, x float32) *ir.Value { return v.Graph().Scalar(x) }

func minusOne(v *ir.Value) *ir.Value { return constant(v, -1) }

// dot is the inner product of two tensors of the same shape, as a [1,1] matrix product.
func dot(x, y *ir.Value) *ir.Value {
	n := x.Elements()
	return MatMul{}.Of(Reshape{}.To(x, 1, n), Reshape{}.To(y, n, 1))
}
