// Package op holds the operators of the step graphs. An operator is one Go struct whose fields are
// its ONNX attributes, with its type rule (Infer) and, for those on the forward path, its gradient
// (VJP) composed from other operators. Op{...}.Of(inputs) adds it to the graph of its inputs.
//
// Image tensors are NCHW. dY, dX, dW are cotangents in ONNX Runtime's naming. The gradient
// operators (ConvGrad, ReluGrad, ...) are ONNX Runtime's training operators; they are not
// differentiable themselves.
package op

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// arity checks the number of inputs and that the first need of them are present.
func arity(name string, in []ir.Type, need, max int) error {
	if len(in) < need || len(in) > max {
		return fmt.Errorf("%s: takes %d to %d inputs, got %d", name, need, max, len(in))
	}
	for i := range need {
		if in[i].DType == 0 {
			return fmt.Errorf("%s: input %d is missing", name, i)
		}
	}
	return nil
}

// float checks that the given inputs are floating point tensors.
func float(name string, in ...ir.Type) error {
	for i, t := range in {
		switch t.DType {
		case ir.Float, ir.Double, ir.Float16, ir.BFloat16:
		default:
			return fmt.Errorf("%s: input %d must be floating point, got %v", name, i, t)
		}
	}
	return nil
}

// int64s checks that input i is an int64 vector of n numbers.
func int64s(name string, in []ir.Type, i, n int) error {
	if want := ir.T(ir.Int64, n); !in[i].Equal(want) {
		return fmt.Errorf("%s: input %d must be %v, got %v", name, i, want, in[i])
	}
	return nil
}

// image checks that t is NCHW.
func image(name string, t ir.Type) error {
	if t.Rank() != 4 {
		return fmt.Errorf("%s: input must be NCHW, got %v", name, t)
	}
	return float(name, t)
}

// activation reports whether images of an element type are among those of our own operators. On a GPU
// they may be bfloat16: statistics, weights and their gradients are float in any case.
func activation(d ir.DType) bool { return d == ir.Float || d == ir.BFloat16 }

// same is the type rule of a unary elementwise operator.
func same(name string, in []ir.Type) ([]ir.Type, error) {
	if err := arity(name, in, 1, 1); err != nil {
		return nil, err
	}
	return []ir.Type{in[0]}, float(name, in[0])
}

// broadcast is ONNX's multidirectional broadcasting rule.
// https://onnx.ai/onnx/repo-docs/Broadcasting.html
func broadcast(a, b []int) ([]int, error) {
	long, short := a, b
	if len(a) < len(b) {
		long, short = b, a
	}
	out := slices.Clone(long)
	off := len(long) - len(short)
	for i, d := range short {
		switch x := long[off+i]; {
		case x == d || d == 1:
		case x == 1:
			out[off+i] = d
		default:
			return nil, fmt.Errorf("shapes %v and %v do not broadcast", a, b)
		}
	}
	return out, nil
}

// sumTo reduces a cotangent of a broadcast result to the shape of the operand v.
func sumTo(dy, v *ir.Value) *ir.Value {
	if slices.Equal(dy.Shape, v.Shape) {
		return dy
	}
	var axes []int64
	off := dy.Rank() - v.Rank()
	for i, d := range dy.Shape {
		if i < off || (v.Shape[i-off] == 1 && d != 1) {
			axes = append(axes, int64(i))
		}
	}
	return Reshape{}.To(ReduceSum{}.Of(dy, axes...), v.Shape...)
}

func intsAttr(name string, v []int) ir.Attr { return ir.Attr{Name: name, Value: slices.Clone(v)} }
