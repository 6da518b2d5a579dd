package pass

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// lowerPools replaces the gradients of all pools.
func lowerPools(g *ir.Graph) { g.Rewrite(plainPools) }

// plainPools replaces the pool gradients, which the CUDA provider lacks.
func plainPools(n *ir.Node) []*ir.Value {
	switch o := n.Op.(type) {
	case op.MaxPoolGrad:
		return []*ir.Value{o.Scatter(n.In[0], n.In[1])}
	case op.AveragePoolGrad:
		return []*ir.Value{o.Spread(n.In[0])}
	}
	return nil
}
