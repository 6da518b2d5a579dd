package nn

import (
	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/models/space"
)

// Norm is the batch norm that ends an operation.
type Norm func(n *graphgen.Net, x *ir.Value) *ir.Value

// Plain is a batch norm without, Affine one with trainable scale and shift.
func Plain(n *graphgen.Net, x *ir.Value) *ir.Value  { return BatchNorm(n, x, false) }
func Affine(n *graphgen.Net, x *ir.Value) *ir.Value { return BatchNorm(n, x, true) }

// Pool is the 3x3 pooling of a primitive, without batch norm.
func Pool(x *ir.Value, p space.Primitive, stride int) *ir.Value {
	if p == space.MaxPool3x3 {
		return op.MaxPool{Kernel: 3, Stride: stride, Pad: 1}.Of(x)
	}
	return op.AveragePool{Kernel: 3, Stride: stride, Pad: 1}.Of(x)
}

// ConvOp is a separable or dilated convolution, or a FactorizedReduce: the primitives that have
// weights. The middle batch norms are inner, the last one is last.
func ConvOp(n *graphgen.Net, x *ir.Value, p space.Primitive, stride int, inner, last Norm) *ir.Value {
	c := x.Shape[1]
	switch p {
	case space.SepConv3x3, space.SepConv5x5:
		k := kernel(p)
		n.G.In("0", func() { x = inner(n, separable(n, x, k, stride, k/2, 1)) })
		n.G.In("1", func() { x = last(n, separable(n, x, k, 1, k/2, 1)) })
		return x
	case space.DilConv3x3, space.DilConv5x5:
		k := kernel(p)
		return last(n, separable(n, x, k, stride, k-1, 2))
	case space.SkipConnect:
		if stride == 2 {
			return last(n, reduceConvs(n, x, c))
		}
	}
	n.G.Fail("primitive %v with stride %d has no weights", p, stride)
	return nil
}

func kernel(p space.Primitive) int {
	if p == space.SepConv5x5 || p == space.DilConv5x5 {
		return 5
	}
	return 3
}

// separable is ReLU, depthwise k x k, pointwise 1x1.
func separable(n *graphgen.Net, x *ir.Value, k, stride, pad, dilation int) *ir.Value {
	c := x.Shape[1]
	x = op.Relu{}.Of(x)
	n.G.In("depthwise", func() { x = Depthwise(n, x, k, stride, pad, dilation) })
	n.G.In("pointwise", func() { x = Conv(n, x, c, 1, 1, 0) })
	return x
}
