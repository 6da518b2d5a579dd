package eval

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// applyKernels evaluates the operators of our own domain: each one gives the result of the plain
// operators that it replaces, one after the other. It reports whether it knows the operator.
func applyKernels(o any, in []*Tensor) ([]*Tensor, bool) {
	switch o := o.(type) {
	case op.DepthwiseConv:
		return one(conv(plain(o, in[0].Shape[1]), []*Tensor{in[0], kernels(o, in[1])})), true
	case op.DepthwiseGradInput:
		x := zeros([]int{in[0].Shape[0], in[0].Shape[1], o.Height, o.Width})
		return convGrad(plain(o.Conv, x.Shape[1]), in[0], x, kernels(o.Conv, in[1]))[:1], true
	case op.DepthwiseGradWeight:
		return one(depthwiseGradWeight(o.Conv, in[0], in[1])), true
	case op.Normalize:
		y, mean, variance := normalize(o.Epsilon, in[0], input(in, 1), input(in, 2))
		return []*Tensor{plus(y, addend(o, in)), mean, variance}, true
	case op.NormalizeGrad:
		d := normalizeGrad(o.Epsilon, in[0], in[1], in[2], in[3], input(in, 4))
		d[0] = plus(d[0], addend(o, in))
		return d, true
	case op.ReluConvNorm:
		_, p := project(o, in[0], in[1], input(in, 2))
		scale, bias := input(in, 3), input(in, 4)
		if mean := input(in, op.UnitMean); mean != nil {
			c, variance := len(mean.F), in[op.UnitVariance]
			y := affine(p, channels(scale, c, 1), channels(bias, c, 0), mean, invStd(variance, o.Epsilon))
			return []*Tensor{plus(y, addend(o, in)), mean, variance}, true
		}
		y, mean, variance := normalize(o.Epsilon, p, scale, bias)
		return []*Tensor{plus(y, addend(o, in)), mean, variance}, true
	case op.ReluConvNormGrad:
		return unitGrad(o, in), true
	case op.DirectMaxPool:
		return maxPool(op.MaxPool(o), in[0])[:1], true
	case op.DirectMaxPoolGrad:
		s := in[1].Shape
		pool := op.MaxPool(o.Pool)
		dx, err := scatterMax(op.MaxPoolGrad{Pool: pool, N: s[0], C: s[1], H: s[2], W: s[3]}, in[0],
			maxPool(pool, in[1])[1])
		if err == nil {
			plus(dx[0], addend(o, in))
		}
		return dx, err == nil
	case op.DirectAveragePool:
		return one(averagePool(op.AveragePool(o), in[0])), true
	case op.DirectAveragePoolGrad:
		s := in[0].Shape
		return one(plus(averagePoolGrad(op.AveragePoolGrad{Pool: op.AveragePool(o.Pool), N: s[0],
			C: s[1], H: o.Height, W: o.Width}, in[0]), addend(o, in))), true
	case op.Piece:
		t := ir.T(ir.Float, o.Shape()...)
		return one(&Tensor{Shape: t.Shape, F: in[0].F[o.Offset : o.Offset+t.Elements()]}), true
	case op.Scaled:
		y := zeros(in[0].Shape)
		for i, v := range in[0].F {
			y.F[i] = in[1].F[i*len(in[1].F)/len(in[0].F)] * v
		}
		return one(plus(y, addend(o, in))), true
	case op.Dot:
		sum := zeros([]int{1})
		for i, v := range in[0].F {
			sum.F[0] += v * in[1].F[i]
		}
		return one(sum), true
	}
	return nil, false
}

// input returns input i, or nil if it is absent.
func input(in []*Tensor, i int) *Tensor {
	if i < len(in) {
		return in[i]
	}
	return nil
}

// addend returns what an accumulator adds, or nil.
func addend(o op.Accumulator, in []*Tensor) *Tensor {
	if t := input(in, o.Addend()); t != nil {
		return t
	}
	return input(in, o.Addend()+1)
}

// plus adds t to y if t is present.
func plus(y, t *Tensor) *Tensor {
	if t != nil {
		for i, v := range t.F {
			y.F[i] += v
		}
	}
	return y
}

// plain is the ordinary form of the same convolution on c channels.
func plain(o op.DepthwiseConv, c int) op.Conv {
	return op.Conv{Kernel: o.Kernel, Stride: o.Stride, Pad: o.Pad, Dilation: o.Dilation, Group: c}
}

// kernels views depthwise weights of any shape as [C,1,k,k].
func kernels(o op.DepthwiseConv, w *Tensor) *Tensor {
	return &Tensor{Shape: []int{len(w.F) / (o.Kernel * o.Kernel), 1, o.Kernel, o.Kernel}, F: w.F}
}

// vector views a tensor as one dimension.
func vector(t *Tensor) *Tensor { return &Tensor{Shape: []int{len(t.F)}, F: t.F} }

func depthwiseGradWeight(o op.DepthwiseConv, dy, x *Tensor) *Tensor {
	w := kernels(o, zeros([]int{x.Shape[1] * o.Kernel * o.Kernel}))
	return vector(convGrad(plain(o, x.Shape[1]), dy, x, w)[1])
}

// channels repeats a scale of one number, or fills in ones if the scale is absent.
func channels(scale *Tensor, c int, absent float64) *Tensor {
	if scale != nil && len(scale.F) == c {
		return scale
	}
	t := zeros([]int{c})
	for i := range t.F {
		if t.F[i] = absent; scale != nil {
			t.F[i] = scale.F[0]
		}
	}
	return t
}

func normalize(epsilon float32, x, scale, bias *Tensor) (y, mean, variance *Tensor) {
	c := x.Shape[1]
	old := zeros([]int{c})
	in := []*Tensor{x, channels(scale, c, 1), channels(bias, c, 0), old, old}
	out := batchNormTraining(op.BatchNormTraining{Epsilon: epsilon, Momentum: 0}, in)
	return out[0], out[1], out[2]
}

// normalizeGrad returns dX, dscale (one number, unless the scale has more) and dbias.
func normalizeGrad(epsilon float32, dy, x, mean, variance, scale *Tensor) []*Tensor {
	c := x.Shape[1]
	d := batchNormGrad([]*Tensor{dy, x, channels(scale, c, 1), mean, invStd(variance, epsilon)})
	if scale == nil || len(scale.F) == 1 {
		sum := zeros([]int{1})
		for _, v := range d[1].F {
			sum.F[0] += v
		}
		d[1] = sum
	}
	return d
}

// project returns the inputs and the results of the 1x1 convolution of a unit.
func project(o op.ReluConvNorm, x, w, v *Tensor) (d, p *Tensor) {
	d = relu(x)
	if o.Kernel == op.Halves {
		return d, conv(quarters, []*Tensor{d, corners(w, v, x.Shape[1])})
	}
	if o.Kernel > 0 {
		c := op.DepthwiseConv{Kernel: o.Kernel, Stride: o.Stride, Pad: o.Pad, Dilation: o.Dilation}
		d = conv(plain(c, x.Shape[1]), []*Tensor{d, kernels(c, v)})
	}
	return d, conv(pointwise, []*Tensor{d, matrix(w, x.Shape[1])})
}

var pointwise = op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 1}

// matrix views the weights of a 1x1 convolution on c channels.
func matrix(w *Tensor, c int) *Tensor {
	return &Tensor{Shape: []int{len(w.F) / c, c, 1, 1}, F: w.F}
}

// quarters is the convolution of a factorised reduction.
var quarters = op.Conv{Kernel: 2, Stride: 2, Dilation: 1, Group: 1}

// corners makes weights of quarters of those of a factorised reduction on c channels: w at the first pixel of
// a window, v at the last one.
func corners(w, v *Tensor, c int) *Tensor {
	n := len(w.F)
	t := zeros([]int{2 * n / c, c, 2, 2})
	for i := range n {
		t.F[4*i], t.F[4*(n+i)+3] = w.F[i], v.F[i]
	}
	return t
}

// halvesGrad returns dX before the ReLU, dW and dV of a factorised reduction.
func halvesGrad(dp, d, w, v *Tensor) []*Tensor {
	g := convGrad(quarters, dp, d, corners(w, v, d.Shape[1]))
	dw, dv := zeros([]int{len(w.F)}), zeros([]int{len(w.F)})
	for i := range dw.F {
		dw.F[i], dv.F[i] = g[1].F[4*i], g[1].F[4*(len(w.F)+i)+3]
	}
	return []*Tensor{g[0], dw, dv}
}

// denormalize is x of y = (x - mean) inv.
func denormalize(y, mean, inv *Tensor) *Tensor {
	x := zeros(y.Shape)
	for i, v := range y.F {
		c := channelOf(y.Shape, i)
		x.F[i] = v/inv.F[c] + mean.F[c]
	}
	return x
}

func unitGrad(g op.ReluConvNormGrad, in []*Tensor) []*Tensor {
	o := g.Unit
	dy, x, mean, variance, w, v := in[0], in[1], in[2], in[3], in[4], input(in, 5)
	d, p := project(o, x, w, v)
	if y := input(in, op.UnitResult); y != nil {
		p = denormalize(y, mean, invStd(variance, o.Epsilon))
	}
	norm := normalizeGrad(o.Epsilon, dy, p, mean, variance, input(in, 6))
	if o.Kernel == op.Halves {
		h := halvesGrad(norm[0], d, w, v)
		return []*Tensor{plus(reluGrad(h[0], x), addend(g, in)), h[1], h[2], norm[1], norm[2]}
	}
	point := convGrad(pointwise, norm[0], d, matrix(w, x.Shape[1]))
	dx, dv := point[0], zeros([]int{0})
	if o.Kernel > 0 {
		c := op.DepthwiseConv{Kernel: o.Kernel, Stride: o.Stride, Pad: o.Pad, Dilation: o.Dilation}
		dv = depthwiseGradWeight(c, point[0], relu(x))
		dx = convGrad(plain(c, x.Shape[1]), point[0], x, kernels(c, v))[0]
	}
	return []*Tensor{plus(reluGrad(dx, x), addend(g, in)), vector(point[1]), dv, norm[1], norm[2]}
}
