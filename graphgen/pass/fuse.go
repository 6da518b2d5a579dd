package pass

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Fusions names the rewrites that join operators for our own kernels.
type Fusions struct {
	Units bool // ReLU, convolutions and batch norm
	Pools bool // pools, without an index of the maxima
	Sums  bool // products with a number, and sums in the operators that can add
}

// fuse joins the nodes of a forward graph into the operators of package ort/kernels, before the
// graph is differentiated: these keep less for the backward pass than the nodes that they replace.
// It returns what replaces the values of the graph.
func fuse(g *ir.Graph, l Lowering) map[*ir.Value]*ir.Value {
	off, readers := l.Unfused, g.Readers()
	return g.Rewrite(func(n *ir.Node) []*ir.Value {
		switch o := n.Op.(type) {
		case op.Normalize:
			if off.Units {
				return nil
			}
			if r := reduction(n, o); r != nil {
				return r
			}
			return unit(n, o, readers)
		case op.Mul:
			if !off.Sums {
				return scaled(n, l.Target.OnGPU())
			}
		case op.MaxPool:
			if !off.Pools && op.DirectPool(o.Kernel, o.Stride, o.Pad) {
				return []*ir.Value{op.DirectMaxPool(o).Of(n.In[0]), nil}
			}
		case op.AveragePool:
			if !off.Pools && op.DirectPool(o.Kernel, o.Stride, o.Pad) {
				return []*ir.Value{op.DirectAveragePool(o).Of(n.In[0])}
			}
		}
		return nil
	})
}

// unit finds a ReLU, a depthwise convolution (or none) and a 1x1 convolution before a batch norm.
func unit(n *ir.Node, o op.Normalize, readers map[*ir.Value][]*ir.Node) []*ir.Value {
	w, x := convBefore(n.In[0], readers, func(c op.Conv) bool {
		return c == op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 1}
	})
	if w == nil {
		return nil
	}
	u := op.ReluConvNorm{Epsilon: o.Epsilon}
	v, y := convBefore(x, readers, func(c op.Conv) bool {
		d, ok := depthwiseOf(c, x.Def.In[0], x.Def.In[1])
		u.Kernel, u.Stride, u.Pad, u.Dilation = d.Kernel, d.Stride, d.Pad, d.Dilation
		return ok
	})
	if v == nil {
		u, y = op.ReluConvNorm{Epsilon: o.Epsilon}, x
	} else {
		v = whole(v)
	}
	if y.Def == nil {
		return nil
	}
	if _, ok := y.Def.Op.(op.Relu); !ok {
		return nil
	}
	return u.Of(y.Def.In[0], whole(w), v, n.In[1], n.In[2], n.In[3])
}

// reduction finds a ReLU and a factorised reduction in the form of joinReductions before a batch norm. Other
// reductions may read the same ReLU.
func reduction(n *ir.Node, o op.Normalize) []*ir.Value {
	conv := producer(n.In[0], op.Conv{Kernel: 2, Stride: 2, Dilation: 1, Group: 1})
	if conv == nil {
		return nil
	}
	relu, weights := producer(conv.In[0], op.Relu{}), producer(conv.In[1], op.Concat{Axis: 0})
	if relu == nil || weights == nil || len(weights.In) != 2 {
		return nil
	}
	first, last := producer(weights.In[0], op.Pad{Bottom: 1, Right: 1}), producer(weights.In[1], op.Pad{Top: 1, Left: 1})
	if first == nil || last == nil || !first.In[0].Type.Equal(last.In[0].Type) {
		return nil
	}
	return op.ReluConvNorm{Kernel: op.Halves, Stride: 2, Dilation: 1, Epsilon: o.Epsilon}.
		Of(relu.In[0], whole(first.In[0]), whole(last.In[0]), n.In[1], n.In[2], n.In[3])
}

// producer is the node that makes v, if it has that operator.
func producer(v *ir.Value, o ir.Op) *ir.Node {
	if v.Def == nil || v.Def.Op != o {
		return nil
	}
	return v.Def
}

// convBefore returns the weight and the input of the convolution that produces y, if it has the
// wanted form and nothing else reads y.
func convBefore(y *ir.Value, readers map[*ir.Value][]*ir.Node,
	wanted func(op.Conv) bool) (w, x *ir.Value) {
	if y.Def == nil || len(readers[y]) != 1 {
		return nil, nil
	}
	if c, ok := y.Def.Op.(op.Conv); ok && wanted(c) {
		return y.Def.In[1], y.Def.In[0]
	}
	return nil, nil
}

// scaled finds the product of images with one number, or with one for each image.
func scaled(n *ir.Node, onGPU bool) []*ir.Value {
	for i, w := range n.In {
		x := n.In[1-i]
		if x.Rank() == 4 && x.Elements() > 1 && x.DType == ir.Float &&
			(w.Elements() == 1 || onGPU && op.PerImage(x.Type, w.Type)) {
			return []*ir.Value{op.Scaled{}.Of(x, w, nil)}
		}
	}
	return nil
}

// accumulate lets operators that can add do the sums. An Add sums the first output of a node n,
// which nothing else reads, and a value that exists before n: that value becomes an input of n.
func accumulate(g *ir.Graph) {
	readers, at := g.Readers(), map[*ir.Node]int{}
	for i, n := range g.Nodes {
		at[n] = i
	}
	for _, o := range g.Outputs {
		readers[o.Value] = append(readers[o.Value], nil)
	}
	for i, n := range g.Nodes {
		a, ok := n.Op.(op.Accumulator)
		for ok && n.Out[0] != nil && n.In[a.Addend()] == nil && len(readers[n.Out[0]]) == 1 {
			sum := readers[n.Out[0]][0]
			other := otherTerm(sum, n.Out[0])
			if other == nil || other.Def != nil && at[other.Def] >= i {
				break
			}
			n.In[a.Addend()] = other
			replaceReader(readers, other, sum, n)
			redirect(g, readers, sum.Out[0], n.Out[0])
		}
	}
}

// otherTerm is what the Add n adds to v, or nil if n is not an Add of two tensors of the same type.
func otherTerm(n *ir.Node, v *ir.Value) *ir.Value {
	if n == nil {
		return nil
	}
	if _, ok := n.Op.(op.Add); !ok {
		return nil
	}
	other := n.In[0]
	if other == v {
		other = n.In[1]
	}
	if other == v || !other.Type.Equal(v.Type) {
		return nil
	}
	return other
}

func replaceReader(readers map[*ir.Value][]*ir.Node, v *ir.Value, old, by *ir.Node) {
	for i, r := range readers[v] {
		if r == old {
			readers[v][i] = by
		}
	}
}

// redirect makes the readers of old read v instead.
func redirect(g *ir.Graph, readers map[*ir.Value][]*ir.Node, old, v *ir.Value) {
	for _, r := range readers[old] {
		if r == nil {
			continue
		}
		for i, in := range r.In {
			if in == old {
				r.In[i] = v
			}
		}
	}
	for i, o := range g.Outputs {
		if o.Value == old {
			g.Outputs[i].Value = v
		}
	}
	readers[v], readers[old] = readers[old], nil
}
