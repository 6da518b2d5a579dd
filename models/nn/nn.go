// Package nn holds the layers of the DARTS networks as functions that add nodes to a graph
// (Liu, Simonyan & Yang 2019, cnn/operations.py of quark0/darts). Convolutions have no bias. Layers
// declare their weights in the order in which PyTorch's modules do.
package nn

import (
	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/models/space"
)

// Conv is a k x k convolution to out channels with fresh weights.
func Conv(n *graphgen.Net, x *ir.Value, out, k, stride, pad int) *ir.Value {
	in := x.Shape[1]
	w := n.Weight("weight", in*k*k, 0, out, in, k, k)
	return op.Conv{Kernel: k, Stride: stride, Pad: pad, Dilation: 1, Group: 1}.Of(x, w)
}

// Depthwise is a k x k convolution of every channel by itself.
func Depthwise(n *graphgen.Net, x *ir.Value, k, stride, pad, dilation int) *ir.Value {
	c := x.Shape[1]
	w := n.Weight("weight", k*k, 0, c, 1, k, k)
	return op.Conv{Kernel: k, Stride: stride, Pad: pad, Dilation: dilation, Group: c}.Of(x, w)
}

// BatchNorm normalises; affine adds a trainable scale and shift.
func BatchNorm(n *graphgen.Net, x *ir.Value, affine bool) *ir.Value {
	c := x.Shape[1]
	if !affine {
		return n.BatchNorm(x, n.Ones(c), n.Zeros(c))
	}
	var y *ir.Value
	n.G.In("bn", func() {
		y = n.BatchNorm(x, n.Weight("scale", 0, 1, c), n.Weight("bias", 0, 0, c))
	})
	return y
}

// ScaledBatchNorm is w times the normalised x, with the number w[1] as the scale of the batch norm:
// the product needs no node and no buffer of its own, and the gradient of w is the sum of that of
// the scale.
func ScaledBatchNorm(n *graphgen.Net, x, w *ir.Value) *ir.Value {
	c := x.Shape[1]
	return n.BatchNorm(x, op.Expand{}.To(w, c), n.Zeros(c))
}

// Linear is x[B,in] W[out,in]' + b[out].
func Linear(n *graphgen.Net, x *ir.Value, out int) *ir.Value {
	in := x.Shape[1]
	var y *ir.Value
	n.G.In("classifier", func() {
		w := n.Weight("weight", in, 0, out, in)
		y = op.Gemm{TransB: true}.Of(x, w, n.Weight("bias", in, 0, out))
	})
	return y
}

// Stem is Conv3x3 to c channels and an affine batch norm.
func Stem(n *graphgen.Net, images *ir.Value, c int) *ir.Value {
	var y *ir.Value
	n.G.In("stem", func() { y = BatchNorm(n, Conv(n, images, c, 3, 1, 1), true) })
	return y
}

// ReLUConvBN is ReLU, Conv1x1 to c channels, batch norm.
func ReLUConvBN(n *graphgen.Net, x *ir.Value, c int, affine bool) *ir.Value {
	return BatchNorm(n, Conv(n, op.Relu{}.Of(x), c, 1, 1, 0), affine)
}

// FactorizedReduce halves H and W: ReLU; two 1x1 convolutions of stride 2, the second shifted by one
// pixel, each to half of the c channels; batch norm.
func FactorizedReduce(n *graphgen.Net, x *ir.Value, c int, affine bool) *ir.Value {
	return BatchNorm(n, reduceConvs(n, x, c), affine)
}

func reduceConvs(n *graphgen.Net, x *ir.Value, c int) *ir.Value {
	if x.Shape[2]%2 != 0 || x.Shape[3]%2 != 0 {
		n.G.Fail("factorized reduce: height and width must be even, got %dx%d", x.Shape[2], x.Shape[3])
	}
	x = op.Relu{}.Of(x)
	var halves []*ir.Value
	n.G.In("conv_1", func() { halves = append(halves, Conv(n, x, c/2, 1, 2, 0)) })
	n.G.In("conv_2", func() {
		shifted := op.Slice{Top: 1, Left: 1}.Of(x)
		halves = append(halves, Conv(n, shifted, c-c/2, 1, 2, 0))
	})
	return op.Concat{Axis: 1}.Of(halves...)
}

// Between halves H and W between two stages of a space with residual reductions, and goes to c channels: two 3x3
// convolutions, each after a ReLU and before a batch norm, added to a 1x1 convolution of the averages of 2x2 pixels
// (Dong and Yang 2020, ResNetBasicblock). Its batch norms are affine.
func Between(n *graphgen.Net, x *ir.Value, c int) *ir.Value {
	if x.Shape[2]%2 != 0 || x.Shape[3]%2 != 0 {
		n.G.Fail("residual reduction: height and width must be even, got %dx%d", x.Shape[2], x.Shape[3])
	}
	y, around := x, x
	n.G.In("0", func() { y = BatchNorm(n, Conv(n, op.Relu{}.Of(y), c, 3, 2, 1), true) })
	n.G.In("1", func() { y = BatchNorm(n, Conv(n, op.Relu{}.Of(y), c, 3, 1, 1), true) })
	n.G.In("around", func() { around = Conv(n, op.AveragePool{Kernel: 2, Stride: 2}.Of(x), c, 1, 1, 0) })
	return op.Add{}.Of(y, around)
}

// Head is global average pooling and a linear classifier; a normalised one has a batch norm and a ReLU before them.
func Head(n *graphgen.Net, x *ir.Value, s space.Skeleton, classes int) *ir.Value {
	if s.Normalised {
		n.G.In("head", func() { x = op.Relu{}.Of(BatchNorm(n, x, true)) })
	}
	pooled := op.GlobalAveragePool{}.Of(x)
	return Linear(n, op.Flatten{}.Of(pooled), classes)
}

// Zeros are what none gives of a state: zeros of its size, divided by the stride.
func Zeros(n *graphgen.Net, x *ir.Value, channels, stride int) *ir.Value {
	return op.Zeros(n.G, ir.T(ir.Float, x.Shape[0], channels, x.Shape[2]/stride, x.Shape[3]/stride))
}
