package pass

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// addInTurn moves every sum that only another sum reads to right before that sum. ONNX Runtime goes
// from a node to its producer with the largest index first (plan.RuntimeOrder). If the partial sum
// came before the next term, ONNX Runtime would compute all terms of a long sum, last term first,
// before adding any. With the partial sum after all terms, it adds each as it comes.
func addInTurn(g *ir.Graph) {
	readers, kept := g.Readers(), map[*ir.Value]bool{}
	for _, o := range g.Outputs {
		kept[o.Value] = true
	}
	before := map[*ir.Node][]*ir.Node{} // sums waiting for a node
	nodes := make([]*ir.Node, 0, len(g.Nodes))
	var put func(n *ir.Node)
	put = func(n *ir.Node) {
		for _, sum := range before[n] {
			put(sum)
		}
		nodes = append(nodes, n)
	}
	for _, n := range g.Nodes {
		if r := readers[n.Out[0]]; isSum(n) && len(r) == 1 && isSum(r[0]) && !kept[n.Out[0]] {
			before[r[0]] = append(before[r[0]], n)
		} else {
			put(n)
		}
	}
	g.Nodes = nodes
}

func isSum(n *ir.Node) bool {
	_, ok := n.Op.(op.Add)
	return ok
}
