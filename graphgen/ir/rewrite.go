package ir

// Rule rewrites one node: it returns a value for every output of n, or nil to leave n unchanged. It
// may add nodes, which get the scope of n. The inputs of n are already rewritten.
type Rule func(n *Node) []*Value

// Rewrite replaces nodes by others that compute the same, from the inputs to the outputs, and
// returns the replacements of outputs. Nodes without readers stay; Trim removes them. An output
// without readers may be replaced by nil.
func (g *Graph) Rewrite(rule Rule) map[*Value]*Value {
	old, by, readers := g.Nodes, map[*Value]*Value{}, g.Readers()
	for _, o := range g.Outputs {
		readers[o.Value] = append(readers[o.Value], nil)
	}
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
		for i, v := range n.Out {
			if v != nil && (len(readers[v]) > 0 || outs[i] != nil) {
				g.replace(n, i, outs[i], by)
			}
		}
	}
	for i, o := range g.Outputs {
		if r, ok := by[o.Value]; ok {
			g.Outputs[i].Value = r
		}
	}
	return by
}

// replace records v as the replacement of output i of n.
func (g *Graph) replace(n *Node, i int, v *Value, by map[*Value]*Value) {
	switch {
	case v == nil:
		g.Fail("rewrite: %s loses its output %d (%s)", opName(n.Op), i, n.Scope)
	case !v.Type.Equal(n.Out[i].Type):
		g.Fail("rewrite: output %d of %s is %v, its replacement %v (%s)", i, opName(n.Op), n.Out[i].Type,
			v.Type, n.Scope)
	}
	by[n.Out[i]] = v
}
