package pass

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// writeOver moves the addends that belong to their node alone to the place that is always written
// over. ONNX Runtime needs no shapes for that, so that the file of a session leaves them out
// (onnx.Options.Short). It comes last, because recomputing gives values more readers.
func writeOver(g *ir.Graph) {
	readers := g.Readers()
	for _, n := range g.Nodes {
		o, ok := n.Op.(op.Accumulator)
		if !ok || n.Out[0] == nil || o.Addend() >= len(n.In) || n.In[o.Addend()] == nil {
			continue
		}
		if g.Owns(n, o.Addend(), readers) {
			op.WriteOver(n, o)
		}
	}
	nameAxes(g)
}
