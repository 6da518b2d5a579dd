package pass

import (
	"fmt"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// narrowIndices keeps one byte for the backward pass where a max pool gives an index of eight
// (Indices); see op.Nearby.
//
// ONNX Runtime's order (plan.RuntimeOrder) is why the nodes stand as they do. Nothing of the
// forward pass reads the bytes, so they would be computed in the backward pass, and the index kept
// till then; but the result of the pool passes through one node with them, and so waits for them.
// The nodes that restore the index stand in the forward pass, because of two producers the later
// one is computed first: that has to be the gradient that comes in.
func narrowIndices(g *ir.Graph) {
	known, readers := map[string]op.Nearby{}, g.Readers()
	g.Rewrite(func(n *ir.Node) []*ir.Value {
		p, ok := n.Op.(op.MaxPool)
		if !ok || len(readers[n.Out[1]]) == 0 || !p.CanNarrow(n.In[0]) {
			return nil
		}
		key := fmt.Sprint(p, n.In[0].Shape)
		if _, ok := known[key]; !ok {
			known[key] = p.Nearby(n.In[0])
		}
		pooled := g.Add(p, n.In[0])
		both := op.PassThrough{}.Of(pooled[0], known[key].Narrow(pooled[1]))
		return []*ir.Value{both[0], known[key].Widen(both[1])}
	})
}
