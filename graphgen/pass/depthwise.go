package pass

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// lowerDepthwise replaces depthwise convolutions by our own kernels, which take weights of any
// shape.
func lowerDepthwise(g *ir.Graph) {
	g.Rewrite(depthwise)
	g.Rewrite(reshapes)
}

// depthwise replaces convolutions of single channels, and their gradients.
func depthwise(n *ir.Node) []*ir.Value {
	switch o := n.Op.(type) {
	case op.Conv:
		if c, ok := depthwiseOf(o, n.In[0], n.In[1]); ok {
			return []*ir.Value{c.Of(n.In[0], whole(n.In[1]))}
		}
	case op.ConvGrad:
		dy, x, w := n.In[0], n.In[1], n.In[2]
		if c, ok := depthwiseOf(o.Conv, x, w); ok {
			d := make([]*ir.Value, 2)
			if n.Out[0] != nil {
				d[0] = op.DepthwiseGradInput{Conv: c, Height: x.Shape[2], Width: x.Shape[3]}.
					Of(dy, whole(w))
			}
			if n.Out[1] != nil {
				d[1] = op.Reshape{}.To(op.DepthwiseGradWeight{Conv: c}.Of(dy, x), w.Shape...)
			}
			return d
		}
	}
	return nil
}

// depthwiseOf is the depthwise form of a convolution that has one filter for every channel.
func depthwiseOf(c op.Conv, x, w *ir.Value) (op.DepthwiseConv, bool) {
	d := op.DepthwiseConv{Kernel: c.Kernel, Stride: c.Stride, Pad: c.Pad, Dilation: c.Dilation}
	return d, c.Group == x.Shape[1] && c.Group == w.Shape[0] && !c.Bias && x.DType == ir.Float && d.Fits()
}

// whole returns w without the Reshape that shaped it: our kernels take weights of any shape.
func whole(w *ir.Value) *ir.Value {
	if w.Def != nil {
		if _, ok := w.Def.Op.(op.Reshape); ok {
			return w.Def.In[0]
		}
	}
	return w
}

// reshapes joins a Reshape with a preceding Reshape, and drops it if it changes nothing.
func reshapes(n *ir.Node) []*ir.Value {
	if _, ok := n.Op.(op.Reshape); !ok {
		return nil
	}
	x := whole(n.In[0])
	if x == n.In[0] {
		return nil
	}
	return []*ir.Value{op.Reshape{}.To(x, n.Out[0].Shape...)}
}
