package ir

// Rule rewrites one node: it returns a value for every output of n, or nil to leave n as it is. It
// may add nodes; they get the scope of n. The inputs of n have been rewritten already.
type Rule func(n *Node) []*Value

// Rewrite replaces nodes by others that compute the same, from the inputs to the outputs. Nodes
// that nobody reads any more stay; Trim removes them.
func (g *Graph) Rewrite(rule Rule) {
	old, by := g.Nodes, map[*Value]*Value{}
	g.Nodes, g.shared = make([]*Node, 0, len(old)), nil
	for _, n := range old {
		for i, v := range n.In {
			if r, ok := by[v]; ok {
				n.In[i] = r
			}
		}
		var outs []*Value
		g.At(n.Scope, func() { outs = rule(n) })
		if outs == nil {
			g.Nodes = append(g.Nodes, n)
			continue
		}
		g.replace(n, outs, by)
	}
	for i, o := range g.Outputs {
		if r, ok := by[o.Value]; ok {
			g.Outputs[i].Value = r
		}
	}
}

// replace notes what stands for the outputs of n.
func (g *Graph) replace(n *Node, outs []*Value, by map[*Value]*Value) {
	for i, v := range n.Out {
		switch {
		case v == nil:
		case len(outs) <= i || outs[i] == nil:
			g.Fail("rewrite: %s loses its output %d (%s)", opName(n.Op), i, n.Scope)
		case !outs[i].Type.Equal(v.Type):
			g.Fail("rewrite: output %d of %s is %v, its replacement %v (%s)", i, opName(n.Op), v.Type,
				outs[i].Type, n.Scope)
		default:
			by[v] = outs[i]
		}
	}
}
