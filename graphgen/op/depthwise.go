package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// DepthwiseConv convolves every channel of X[N,C,H,W] by itself: it is a Conv with Group = C = M.
// The weights W may have any shape of C*Kernel*Kernel numbers. Kernel is at most 7, Stride and
// Dilation are 1 or 2. It runs on the CPU in our own kernels (package ort/kernels); its gradients
// are the next two operators, which need fewer inputs than ConvGrad.
type DepthwiseConv struct{ Kernel, Stride, Pad, Dilation int }

// DepthwiseGradInput computes dX[N,C,Height,Width] from (dY, W).
type DepthwiseGradInput struct {
	Conv          DepthwiseConv
	Height, Width int // of X
}

// DepthwiseGradWeight computes dW[C*Kernel*Kernel] from (dY, X).
type DepthwiseGradWeight struct{ Conv DepthwiseConv }

func (DepthwiseConv) OpType() (string, string)       { return ir.Zos, "DepthwiseConv" }
func (DepthwiseGradInput) OpType() (string, string)  { return ir.Zos, "DepthwiseGradInput" }
func (DepthwiseGradWeight) OpType() (string, string) { return ir.Zos, "DepthwiseGradWeight" }

// Attrs are the numbers of the window.
func (c DepthwiseConv) Attrs() []ir.Attr {
	return []ir.Attr{{Name: "kernel", Value: c.Kernel}, {Name: "stride", Value: c.Stride},
		{Name: "pad", Value: c.Pad}, {Name: "dilation", Value: c.Dilation}}
}

// Attrs are those of the convolution and the size of X.
func (c DepthwiseGradInput) Attrs() []ir.Attr {
	return append(c.Conv.Attrs(), ir.Attr{Name: "height", Value: c.Height},
		ir.Attr{Name: "width", Value: c.Width})
}

// Attrs are those of the convolution.
func (c DepthwiseGradWeight) Attrs() []ir.Attr { return c.Conv.Attrs() }

// Fits reports whether the kernels can compute a convolution with these numbers.
func (c DepthwiseConv) Fits() bool {
	return 1 <= c.Kernel && c.Kernel <= 7 && 1 <= c.Stride && c.Stride <= 2 &&
		1 <= c.Dilation && c.Dilation <= 2 && c.Pad >= 0
}

// result returns the type of Y for an X of type x.
func (c DepthwiseConv) result(x ir.Type) (ir.Type, error) {
	if err := image("depthwise conv", x); err != nil {
		return x, err
	}
	if x.DType != ir.Float {
		return x, fmt.Errorf("depthwise conv: input must be float, got %v", x)
	}
	if !c.Fits() {
		return x, fmt.Errorf("depthwise conv: kernel %d must be 1 to 7, stride %d and dilation %d "+
			"1 or 2, pad %d at least 0", c.Kernel, c.Stride, c.Dilation, c.Pad)
	}
	h := window(x.Shape[2], c.Kernel, c.Stride, c.Pad, c.Dilation)
	w := window(x.Shape[3], c.Kernel, c.Stride, c.Pad, c.Dilation)
	if h < 1 || w < 1 {
		return x, fmt.Errorf("depthwise conv: kernel %d, dilation %d, pad %d does not fit into %v",
			c.Kernel, c.Dilation, c.Pad, x)
	}
	return ir.T(ir.Float, x.Shape[0], x.Shape[1], h, w), nil
}

// weights checks the weights for the channels of x.
func (c DepthwiseConv) weights(x, w ir.Type) error {
	if n := x.Shape[1] * c.Kernel * c.Kernel; w.DType != ir.Float || w.Elements() != n {
		return fmt.Errorf("depthwise conv: kernel %d on %v needs %d float weights, got %v", c.Kernel, x,
			n, w)
	}
	return nil
}

// Infer computes the output size.
func (c DepthwiseConv) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("depthwise conv", in, 2, 2); err != nil {
		return nil, err
	}
	y, err := c.result(in[0])
	if err != nil {
		return nil, err
	}
	return []ir.Type{y}, c.weights(in[0], in[1])
}

// Infer gives dX the size of X.
func (c DepthwiseGradInput) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("depthwise conv gradient", in, 2, 2); err != nil {
		return nil, err
	}
	if err := image("depthwise conv gradient", in[0]); err != nil {
		return nil, err
	}
	x := ir.T(in[0].DType, in[0].Shape[0], in[0].Shape[1], c.Height, c.Width)
	if err := c.Conv.cotangent(in[0], x); err != nil {
		return nil, err
	}
	return []ir.Type{x}, c.Conv.weights(x, in[1])
}

// Infer gives dW one dimension.
func (c DepthwiseGradWeight) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("depthwise conv gradient", in, 2, 2); err != nil {
		return nil, err
	}
	if err := c.Conv.cotangent(in[0], in[1]); err != nil {
		return nil, err
	}
	return []ir.Type{ir.T(ir.Float, in[1].Shape[1]*c.Conv.Kernel*c.Conv.Kernel)}, nil
}

// cotangent checks that dy has the type of the result for x.
func (c DepthwiseConv) cotangent(dy, x ir.Type) error {
	y, err := c.result(x)
	if err == nil && !y.Equal(dy) {
		err = fmt.Errorf("depthwise conv gradient: dY is %v, the convolution gives %v", dy, y)
	}
	return err
}

// Of adds the convolution of x with w.
func (c DepthwiseConv) Of(x, w *ir.Value) *ir.Value { return x.Graph().Add1(c, x, w) }

// Of adds the gradient for an x of the given height and width.
func (c DepthwiseGradInput) Of(dy, w *ir.Value) *ir.Value { return dy.Graph().Add1(c, dy, w) }

// Of adds the gradient.
func (c DepthwiseGradWeight) Of(dy, x *ir.Value) *ir.Value { return dy.Graph().Add1(c, dy, x) }

// VJP: each gradient is an operator of its own.
func (c DepthwiseConv) VJP(p ir.Pullback) []*ir.Value {
	d := make([]*ir.Value, 2)
	x, w := p.In(0), p.In(1)
	if p.Need[0] {
		d[0] = DepthwiseGradInput{c, x.Shape[2], x.Shape[3]}.Of(p.Dy[0], w)
	}
	if p.Need[1] {
		d[1] = Reshape{}.To(DepthwiseGradWeight{c}.Of(p.Dy[0], x), w.Shape...)
	}
	return d
}
