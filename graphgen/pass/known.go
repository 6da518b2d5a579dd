package pass

import (
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// giveResults gives gradients of units the results of these units, where the backward pass has them anyway because
// they are X of the unit behind. Then the gradient need not compute the convolutions again (op.ReluConvNormGrad). It
// comes after recomputing, which decides what the backward pass has.
func giveResults(g *ir.Graph) {
	readers, backward := g.Readers(), backwardOf(g)
	results := map[*ir.Value]*ir.Value{} // by the mean, which tells the unit and its X
	for _, n := range g.Nodes {
		o, ok := n.Op.(op.ReluConvNorm)
		if ok && o.PlainResult(n.In) && slices.ContainsFunc(readers[n.Out[0]], func(r *ir.Node) bool { return backward[r] }) {
			results[op.Mean(n)] = n.Out[0]
		}
	}
	for _, n := range g.Nodes {
		if _, ok := n.Op.(op.ReluConvNormGrad); ok && results[n.In[2]] != nil {
			op.GiveResult(n, results[n.In[2]])
		}
	}
}
