package graphgen

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// freeBatch rewrites a differentiated graph so that it works for any batch size. Two things fix the
// size: shapes among the constants, and the gradients of the pools.
func freeBatch(g *ir.Graph) {
	g.Rewrite(func(n *ir.Node) []*ir.Value {
		switch o := n.Op.(type) {
		case op.Reshape:
			if n.Out[0].Rank() > 0 {
				return []*ir.Value{op.Reshape{}.Free(n.In[0], n.Out[0].Shape...)}
			}
		case op.Expand:
			return []*ir.Value{op.Expand{}.Free(n.In[0], n.Out[0].Shape...)}
		case op.MaxPoolGrad:
			dy, indices := n.In[0], n.In[1]
			return []*ir.Value{o.Free(dy, indices, indices.Def.In[0])}
		case op.AveragePoolGrad:
			return []*ir.Value{o.Free(n.In[0])}
		}
		return nil
	})
}
