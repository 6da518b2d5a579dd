package pass

import (
	"fmt"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// narrowIndices keeps one byte for the backward pass instead of the eight-byte index of a max pool
// (Indices); see op.Nearby.
//
// ONNX Runtime's order (plan.RuntimeOrder) explains the places of the nodes. The forward pass does
// not read the bytes, so the runtime would compute them in the backward pass and keep the index
// till then. The pool's result therefore passes through one node with the bytes, and so waits for
// them. The nodes that restore the index stand in the forward pass, because the runtime computes
// the later of two producers first: that has to be the incoming gradient.
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
