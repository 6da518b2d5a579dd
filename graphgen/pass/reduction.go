package pass

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// joinReductions computes each factorised reduction with one convolution (Reduce), before the graph
// is differentiated. The reduction joins the channels of two 1x1 convolutions of stride 2, one of x
// and one of x without its first row and column. Both are convolutions of x with 2x2 windows whose
// weights are zero except for the first pixel, or the last, so the backward pass keeps no copy of
// x. It returns what replaces the values of the graph.
func joinReductions(g *ir.Graph) map[*ir.Value]*ir.Value {
	readers := g.Readers()
	return g.Rewrite(func(n *ir.Node) []*ir.Value {
		if n.Op != ir.Op(op.Concat{Axis: 1}) || len(n.In) != 2 {
			return nil
		}
		stride2 := func(c op.Conv) bool {
			return c == op.Conv{Kernel: 1, Stride: 2, Dilation: 1, Group: 1}
		}
		first, x := convBefore(n.In[0], readers, stride2)
		last, shifted := convBefore(n.In[1], readers, stride2)
		if first == nil || last == nil || !isShifted(shifted, x) {
			return nil
		}
		w := op.Concat{Axis: 0}.Of(op.Pad{Bottom: 1, Right: 1}.Of(first), op.Pad{Top: 1, Left: 1}.Of(last))
		return []*ir.Value{op.Conv{Kernel: 2, Stride: 2, Dilation: 1, Group: 1}.Of(x, w)}
	})
}

// isShifted reports whether y is x without its first row and column, and x has even numbers of
// both: then both convolutions have their windows in the same places.
func isShifted(y, x *ir.Value) bool {
	if y.Def == nil || y.Def.In[0] != x || x.Shape[2]%2 != 0 || x.Shape[3]%2 != 0 {
		return false
	}
	return y.Def.Op == ir.Op(op.Slice{Top: 1, Left: 1})
}
