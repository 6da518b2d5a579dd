package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// Conv is a 2-D convolution of X[N,C,H,W] with W[M,C/Group,kH,kW] and no bias: square stride,
// dilation and symmetric padding. Output [N,M,H',W'],
// H' = floor((H + 2 Pad - Dilation (kH-1) - 1) / Stride) + 1.
// https://onnx.ai/onnx/operators/onnx__Conv.html
type Conv struct {
	Kernel, Stride, Pad, Dilation, Group int
	Bias                                 bool // a third input B[M]; deployment models only
}

// ConvGrad computes any of dX, dW of a Conv from (dY, X, W).
// ONNX Runtime: com.microsoft.ConvGrad, whose outputs are optional.
type ConvGrad struct{ Conv Conv }

func (Conv) OpType() (string, string)     { return ir.Onnx, "Conv" }
func (ConvGrad) OpType() (string, string) { return ir.Microsoft, "ConvGrad" }

// Attrs are those of the ONNX operator.
func (c Conv) Attrs() []ir.Attr {
	return []ir.Attr{
		intsAttr("dilations", []int{c.Dilation, c.Dilation}),
		{Name: "group", Value: c.Group},
		intsAttr("kernel_shape", []int{c.Kernel, c.Kernel}),
		intsAttr("pads", []int{c.Pad, c.Pad, c.Pad, c.Pad}),
		intsAttr("strides", []int{c.Stride, c.Stride}),
	}
}

// Attrs are those of the convolution.
func (c ConvGrad) Attrs() []ir.Attr { return c.Conv.Attrs() }

// Infer checks channels and computes the output size.
func (c Conv) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("conv", in, 2, 3); err != nil {
		return nil, err
	}
	x, w := in[0], in[1]
	if err := image("conv", x); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if w.Rank() != 4 || w.DType != x.DType {
		return nil, fmt.Errorf("conv: weight must be [M,C/group,k,k] of the input's type, got %v", w)
	}
	m, cin := w.Shape[0], w.Shape[1]
	switch {
	case cin*c.Group != x.Shape[1]:
		return nil, fmt.Errorf("conv: input has %d channels, weight wants %d", x.Shape[1], cin*c.Group)
	case m%c.Group != 0:
		return nil, fmt.Errorf("conv: %d filters do not split into %d groups", m, c.Group)
	case w.Shape[2] != c.Kernel || w.Shape[3] != c.Kernel:
		return nil, fmt.Errorf("conv: kernel is %d, weight is %v", c.Kernel, w)
	case c.Bias != (len(in) == 3):
		return nil, fmt.Errorf("conv: bias is %v, got %d inputs", c.Bias, len(in))
	case c.Bias && !in[2].Equal(ir.T(x.DType, m)):
		return nil, fmt.Errorf("conv: bias must be %v, got %v", ir.T(x.DType, m), in[2])
	}
	h := window(x.Shape[2], c.Kernel, c.Stride, c.Pad, c.Dilation)
	wd := window(x.Shape[3], c.Kernel, c.Stride, c.Pad, c.Dilation)
	if h < 1 || wd < 1 {
		return nil, fmt.Errorf("conv: kernel %d, dilation %d, pad %d does not fit into %v",
			c.Kernel, c.Dilation, c.Pad, x)
	}
	return []ir.Type{ir.T(x.DType, x.Shape[0], m, h, wd)}, nil
}

// check reports attributes that no convolution can have.
func (c Conv) check() error {
	if min(c.Kernel, c.Stride, c.Dilation, c.Group) < 1 || c.Pad < 0 {
		return fmt.Errorf("conv: kernel %d, stride %d, dilation %d, groups %d must be at least 1, "+
			"pad %d at least 0", c.Kernel, c.Stride, c.Dilation, c.Group, c.Pad)
	}
	return nil
}

// window is the output length of a sliding window over n elements.
func window(n, kernel, stride, pad, dilation int) int {
	span := n + 2*pad - dilation*(kernel-1) - 1
	if span < 0 {
		return 0
	}
	return span/stride + 1
}

// Infer gives dX the type of X and dW the type of W.
func (c ConvGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("conv gradient", in, 3, 3); err != nil {
		return nil, err
	}
	y, err := c.Conv.Infer(in[1:3])
	if err != nil {
		return nil, err
	}
	if !y[0].Equal(in[0]) {
		return nil, fmt.Errorf("conv gradient: dY is %v, the convolution gives %v", in[0], y[0])
	}
	return []ir.Type{in[1], in[2]}, nil
}

// Of adds the convolution of x with w.
func (c Conv) Of(x, w *ir.Value) *ir.Value { return x.Graph().Add1(c, x, w) }

// OfBias adds the convolution of x with w plus the bias b[M].
func (c Conv) OfBias(x, w, b *ir.Value) *ir.Value {
	c.Bias = true
	return x.Graph().Add1(c, x, w, b)
}

// VJP: both cotangents are convolutions with dY; only the needed ones are computed.
func (c Conv) VJP(p ir.Pullback) []*ir.Value {
	g := p.Dy[0].Graph()
	if len(p.Node.In) > 2 {
		g.Fail("conv: a convolution with bias is for deployment and has no gradient")
	}
	if !p.Need[0] && !p.Need[1] {
		return make([]*ir.Value, 2)
	}
	return g.AddWanted(ConvGrad{c}, p.Need, p.Dy[0], p.In(0), p.In(1))
}

// OptionalOutput says that either gradient may be left out.
func (ConvGrad) OptionalOutput(int) bool { return true }
