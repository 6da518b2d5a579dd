package pass

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/scope"
)

// addInTurn moves every partial sum to right before the sum that alone reads it. ONNX Runtime goes
// from a node to its producer with the largest index first (plan.RuntimeOrder). If the partial sum
// came before the next term, ONNX Runtime would compute all terms of a long sum, last term first,
// before adding any. With the partial sum after all terms, it adds each as it comes.
func addInTurn(g *ir.Graph, l Lowering) map[*ir.Value]*ir.Value {
	readers, at := g.Readers(), map[*ir.Node]int{}
	for i, n := range g.Nodes {
		at[n] = i
	}
	for _, o := range g.Outputs {
		readers[o.Value] = append(readers[o.Value], nil)
	}
	sums := map[*ir.Node]*ir.Node{} // by their partial sum
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		sum := sumOf(n, readers[n.Out[0]], l.Target.OnGPU())
		last := sum
		for sums[last] != nil {
			last = sums[last]
		}
		if sum != nil && readAfter(n, at[last], readers, at) {
			sums[n] = sum
		}
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
		if sum := sums[n]; sum != nil {
			before[sum] = append(before[sum], n)
		} else {
			put(n)
		}
	}
	g.Nodes = nodes
	return nil
}

// sumOf is the sum that alone reads the first result of n, a partial sum: an Add of an Add or, on the CPU, an
// operator that adds it to its result in the same cell. What another cell adds to is there early enough, and
// larger than the gradient that it is made of.
func sumOf(n *ir.Node, readers []*ir.Node, onGPU bool) *ir.Node {
	if n.Out[0] == nil || len(readers) != 1 || readers[0] == nil {
		return nil
	}
	sum := readers[0]
	if isSum(sum) && isSum(n) {
		return sum
	}
	a, ok := sum.Op.(op.Accumulator)
	if ok && !onGPU && a.Addend() < len(sum.In) && sum.In[a.Addend()] == n.Out[0] &&
		scope.Parse(sum.Scope).Part == scope.Parse(n.Scope).Part {
		return sum
	}
	return nil
}

// readAfter reports whether the other results of n are read behind a position only.
func readAfter(n *ir.Node, position int, readers map[*ir.Value][]*ir.Node, at map[*ir.Node]int) bool {
	for _, v := range n.Out[1:] {
		if v == nil {
			continue
		}
		for _, r := range readers[v] {
			if r != nil && at[r] <= position {
				return false
			}
		}
	}
	return true
}

func isSum(n *ir.Node) bool {
	_, ok := n.Op.(op.Add)
	return ok
}
