package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// The operators in this file differentiate pools without fixing the batch size: ONNX Runtime's
// MaxPoolGrad and AveragePoolGrad read the size of their result from the file.

// Shape is the shape of a tensor as an int64 vector.
// https://onnx.ai/onnx/operators/onnx__Shape.html
type Shape struct{}

// GatherElementsGrad is a vector of zeros to which every dY[i] is added at Indices[i]. Inputs:
// dY[k], the length as an int64 [1], Indices[k]. ONNX Runtime: com.microsoft.GatherElementsGrad.
type GatherElementsGrad struct{ Length int }

// ConvTranspose is the gradient of a Conv with respect to its input of size Height x Width: inputs
// dY[N,M,H',W'] and W[M,C/Group,k,k], output [N,C,Height,Width].
// https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
type ConvTranspose struct {
	Conv          Conv
	Height, Width int
}

func (Shape) OpType() (string, string)              { return ir.Onnx, "Shape" }
func (GatherElementsGrad) OpType() (string, string) { return ir.Microsoft, "GatherElementsGrad" }
func (ConvTranspose) OpType() (string, string)      { return ir.Onnx, "ConvTranspose" }

func (Shape) Attrs() []ir.Attr              { return nil }
func (GatherElementsGrad) Attrs() []ir.Attr { return []ir.Attr{{Name: "axis", Value: 0}} }

// Attrs are those of the convolution, and the number of rows and columns that no window reached.
func (c ConvTranspose) Attrs() []ir.Attr {
	v := c.Conv
	left := func(n int) int { return (n + 2*v.Pad - v.Dilation*(v.Kernel-1) - 1) % v.Stride }
	return append(v.Attrs(), intsAttr("output_padding", []int{left(c.Height), left(c.Width)}))
}

// Infer gives one number per axis.
func (Shape) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("shape", in, 1, 1); err != nil {
		return nil, err
	}
	return []ir.Type{ir.T(ir.Int64, in[0].Rank())}, nil
}

// Infer checks that everything is a vector.
func (o GatherElementsGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	const name = "gather elements gradient"
	if err := arity(name, in, 3, 3); err != nil {
		return nil, err
	}
	if err := int64s(name, in, 1, 1); err != nil {
		return nil, err
	}
	if in[0].Rank() != 1 {
		return nil, fmt.Errorf("%s: dY must be a vector, got %v", name, in[0])
	}
	return []ir.Type{ir.T(in[0].DType, o.Length)}, int64s(name, in, 2, in[0].Shape[0])
}

// Infer checks that the convolution turns the result into dY.
func (c ConvTranspose) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("transposed conv", in, 2, 2); err != nil {
		return nil, err
	}
	if err := image("transposed conv", in[0]); err != nil {
		return nil, err
	}
	if in[1].Rank() != 4 {
		return nil, fmt.Errorf("transposed conv: weight must be [M,C/group,k,k], got %v", in[1])
	}
	x := ir.T(in[0].DType, in[0].Shape[0], in[1].Shape[1]*c.Conv.Group, c.Height, c.Width)
	y, err := c.Conv.Infer([]ir.Type{x, in[1]})
	if err == nil && !y[0].Equal(in[0]) {
		err = fmt.Errorf("transposed conv: dY is %v, the convolution of %v gives %v", in[0], x, y[0])
	}
	return []ir.Type{x}, err
}

// Of adds the shape of x.
func (o Shape) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// Of adds the gradient for a convolution with w.
func (c ConvTranspose) Of(dy, w *ir.Value) *ir.Value { return dy.Graph().Add1(c, dy, w) }

// Free returns the gradient of a MaxPool of x for any batch size.
func (m MaxPoolGrad) Free(dy, indices, x *ir.Value) *ir.Value {
	flat := func(v *ir.Value) *ir.Value { return Reshape{}.Free(v, v.Elements()) }
	d := x.Graph().Add1(GatherElementsGrad{x.Elements()}, flat(dy), Shape{}.Of(flat(x)), flat(indices))
	return Reshape{}.Free(d, x.Shape...)
}

// Free returns the gradient of an AveragePool for any batch size. It is the transpose of a
// convolution with ones, applied to dY divided by the number of pixels in each window.
func (a AveragePoolGrad) Free(dy *ir.Value) *ir.Value {
	g, p := dy.Graph(), a.Pool
	dy = Div{}.Of(dy, g.Floats(a.counts(dy.Shape[2], dy.Shape[3]), 1, 1, dy.Shape[2], dy.Shape[3]))
	ones := make([]float32, a.C*p.Kernel*p.Kernel)
	for i := range ones {
		ones[i] = 1
	}
	c := Conv{Kernel: p.Kernel, Stride: p.Stride, Pad: p.Pad, Dilation: 1, Group: a.C}
	return ConvTranspose{c, a.H, a.W}.Of(dy, g.Floats(ones, a.C, 1, p.Kernel, p.Kernel))
}

// counts returns the number of image pixels in each of h x w windows.
func (a AveragePoolGrad) counts(h, w int) []float32 {
	inside := func(at, n int) int {
		from := at*a.Pool.Stride - a.Pool.Pad
		return min(from+a.Pool.Kernel, n) - max(from, 0)
	}
	counts := make([]float32, 0, h*w)
	for y := range h {
		for x := range w {
			counts = append(counts, float32(inside(y, a.H)*inside(x, a.W)))
		}
	}
	return counts
}
