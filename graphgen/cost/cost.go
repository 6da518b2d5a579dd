// Package cost counts the work of a graph's nodes: operations on numbers, and bytes of tensors.
// Together with a kernel's time, the two counts show how far the kernel is from the peak of the
// processor.
//
// An addition, a multiplication or a comparison is one operation, however the kernel does it. Work
// that our kernels repeat in the backward pass counts, because it has to be done. The bytes are
// those of all inputs and outputs, once each: data that is read several times or kept inside a
// kernel is not counted again.
package cost

import (
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Work counts the operations and the bytes of a node.
type Work struct{ Flops, Bytes float64 }

// Of counts the work of a node.
func Of(n *ir.Node) Work {
	if _, view := n.Op.(ir.Aliaser); view {
		return Work{} // another shape for the same memory
	}
	var w Work
	if list := members(n); list != nil {
		for _, m := range list {
			w.Flops += Of(m).Flops
		}
	} else {
		w.Flops = float64(flops(n))
	}
	for i, v := range n.In {
		if v != nil && !slices.Contains(n.In[:i], v) {
			w.Bytes += float64(v.Bytes())
		}
	}
	for _, v := range n.Out {
		if v != nil {
			w.Bytes += float64(v.Bytes())
		}
	}
	return w
}

// members are the nodes that a group joins, nil if n is no group.
func members(n *ir.Node) []*ir.Node {
	switch o := n.Op.(type) {
	case op.Device:
		return o.Nodes(n.In)
	case op.Group:
		return o.Nodes(n.In)
	}
	return nil
}

// Operations per element of passes that take more than one operation.
const (
	momentFlops = 3 // mean and variance
	affineFlops = 2 // (x - mean) a + b, with the rest folded into a and b
	slopeFlops  = 3 // sums of dy and dy (x - mean)
	blendFlops  = 4 // k0 dy + k1 + k2 (x - mean)
)

// flops has a case for each kind of operator that does not take one operation per element.
func flops(n *ir.Node) int {
	switch o := n.Op.(type) {
	case op.Conv:
		return convolution(o, n.Out[0], n.In[0])
	case op.ConvGrad: // each gradient costs as much as the convolution
		return produced(n) * convolution(o.Conv, n.In[0], n.In[1])
	case op.DepthwiseConv:
		return depthwise(o.Kernel, n.Out[0])
	case op.DepthwiseGradInput:
		return depthwise(o.Conv.Kernel, n.In[0])
	case op.DepthwiseGradWeight:
		return depthwise(o.Conv.Kernel, n.In[0])
	case op.ReluConvNorm:
		each := momentFlops + affineFlops
		if op.KnowsStatistics(n) {
			each = affineFlops
		}
		return n.In[0].Elements() + inside(o, n.In[0], n.Out[0]) + each*n.Out[0].Elements()
	case op.ReluConvNormGrad:
		return unitGradient(o, n)
	case op.Normalize, op.BatchNormTraining:
		return (momentFlops + affineFlops) * n.In[0].Elements()
	case op.BatchNorm:
		return affineFlops * n.In[0].Elements()
	case op.NormalizeGrad, op.BatchNormGrad:
		return slopeFlops*n.In[0].Elements() + wants(n, 0)*blendFlops*n.In[0].Elements()
	case op.Gemm:
		return 2 * n.Out[0].Elements() * inner(n.In[0], o.TransA)
	case op.MatMul:
		return 2 * n.Out[0].Elements() * inner(n.In[0], false)
	case op.MaxPool:
		return o.Kernel * o.Kernel * n.Out[0].Elements()
	case op.AveragePool:
		return o.Kernel * o.Kernel * n.Out[0].Elements()
	case op.DirectMaxPool:
		return o.Kernel * o.Kernel * n.Out[0].Elements()
	case op.DirectAveragePool:
		return o.Kernel * o.Kernel * n.Out[0].Elements()
	case op.DirectMaxPoolGrad:
		return o.Pool.Kernel * o.Pool.Kernel * n.In[0].Elements()
	case op.AveragePoolGrad:
		return o.Pool.Kernel * o.Pool.Kernel * n.In[0].Elements()
	case op.DirectAveragePoolGrad:
		return o.Pool.Kernel * o.Pool.Kernel * n.In[0].Elements()
	case op.Dot:
		return 2 * n.In[0].Elements()
	case op.Split, op.Concat, op.Slice, op.SliceChannels, op.SliceVector, op.Pad, op.PadVector, op.Transpose, op.Expand, op.Cast, op.Overwrite:
		return 0 // they move numbers
	}
	return largest(n)
}

// convolution counts, for every element of y, a multiplication and an addition per weight of a
// window over the channels of a group.
func convolution(c op.Conv, y, x *ir.Value) int {
	return 2 * y.Elements() * c.Kernel * c.Kernel * x.Shape[1] / c.Group
}

func depthwise(kernel int, y *ir.Value) int { return 2 * kernel * kernel * y.Elements() }

// inside counts the two convolutions of a unit that produces y.
func inside(o op.ReluConvNorm, x, y *ir.Value) int {
	return middle(o, x, y) + 2*x.Shape[1]*y.Elements()
}

// middle counts the depthwise convolution of a unit, whose result has the channels of x and the
// size of y. The count is zero if there is none.
func middle(o op.ReluConvNorm, x, y *ir.Value) int {
	return 2 * max(o.Kernel, 0) * max(o.Kernel, 0) * y.Elements() / y.Shape[1] * x.Shape[1]
}

// unitGradient counts the unit again, up to the batch norm or as far as dW needs it, and then the wanted
// gradients: dX, dW, dV, dscale, dbias.
func unitGradient(o op.ReluConvNormGrad, n *ir.Node) int {
	dy, x := n.In[0], n.In[1]
	total := slopeFlops * dy.Elements()
	back, weights, depthwise := wants(n, 0), wants(n, 1), wants(n, 2)
	switch {
	case op.Result(n) == nil:
		total += x.Elements() + inside(o.Unit, x, dy)
	case weights > 0:
		total += x.Elements() + middle(o.Unit, x, dy)
	}
	through := 2 * x.Shape[1] * dy.Elements() // the 1x1 convolution, in either direction
	if back+weights+depthwise > 0 {
		total += blendFlops * dy.Elements()
	}
	total += weights * through
	if back+depthwise > 0 {
		total += through + (back+depthwise)*middle(o.Unit, x, dy)
	}
	return total + back*x.Elements()
}

// wants is 1 if the node produces output i.
func wants(n *ir.Node, i int) int {
	if i < len(n.Out) && n.Out[i] != nil {
		return 1
	}
	return 0
}

func produced(n *ir.Node) (k int) {
	for i := range n.Out {
		k += wants(n, i)
	}
	return k
}

// inner is the length of the sums of a matrix product.
func inner(a *ir.Value, transposed bool) int {
	if transposed {
		return a.Shape[0]
	}
	return a.Shape[len(a.Shape)-1]
}

// largest is the number of elements of the largest tensor.
func largest(n *ir.Node) (most int) {
	for _, v := range slices.Concat(n.In, n.Out) {
		if v != nil {
			most = max(most, v.Elements())
		}
	}
	return most
}
