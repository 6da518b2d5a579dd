package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// Relu is max(x, 0). https://onnx.ai/onnx/operators/onnx__Relu.html
type Relu struct{}

// ReluGrad is dY where Y > 0, else 0. It takes (dY, Y): the output serves as well as the input,
// because both are positive in the same places, and the convolution keeps the output anyway. ONNX
// Runtime: com.microsoft.ReluGrad.
type ReluGrad struct{}

// Sigmoid is 1 / (1 + exp(-x)). https://onnx.ai/onnx/operators/onnx__Sigmoid.html
type Sigmoid struct{}

func (Sigmoid) OpType() (string, string)              { return ir.Onnx, "Sigmoid" }
func (Sigmoid) Attrs() []ir.Attr                      { return nil }
func (Sigmoid) Infer(in []ir.Type) ([]ir.Type, error) { return same("sigmoid", in) }

// Of adds 1 / (1 + exp(-x)).
func (o Sigmoid) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// VJP: dx = dy y (1 - y).
func (Sigmoid) VJP(p ir.Pullback) []*ir.Value {
	y := p.Out(0)
	slope := Sub{}.Of(y, Mul{}.Of(y, y))
	return []*ir.Value{Mul{}.Of(p.Dy[0], slope)}
}

func (Relu) OpType() (string, string)     { return ir.Onnx, "Relu" }
func (ReluGrad) OpType() (string, string) { return ir.Microsoft, "ReluGrad" }

func (Relu) Attrs() []ir.Attr     { return nil }
func (ReluGrad) Attrs() []ir.Attr { return nil }

func (Relu) Infer(in []ir.Type) ([]ir.Type, error) { return same("relu", in) }

func (ReluGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("relu gradient", in, 2, 2); err != nil {
		return nil, err
	}
	if !in[0].Equal(in[1]) {
		return nil, fmt.Errorf("relu gradient: dY is %v, Y is %v", in[0], in[1])
	}
	return []ir.Type{in[0]}, nil
}

// Of adds max(x, 0).
func (o Relu) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// Of adds the gradient; y is the output of the Relu.
func (o ReluGrad) Of(dy, y *ir.Value) *ir.Value { return dy.Graph().Add1(o, dy, y) }

// VJP: dx = dy where y > 0.
func (Relu) VJP(p ir.Pullback) []*ir.Value {
	return []*ir.Value{ReluGrad{}.Of(p.Dy[0], p.Out(0))}
}
