package ir

// PartialOutputs is an Op some of whose outputs may be left out of a node.
type PartialOutputs interface {
	Op
	OptionalOutput(i int) bool
}

// Trim removes the nodes that no graph output depends on, the optional outputs that nobody reads,
// and the constants that are left without a reader. Inputs stay, read or not.
func (g *Graph) Trim() {
	live := map[*Value]bool{}
	for _, o := range g.Outputs {
		live[o.Value] = true
	}
	kept := make([]*Node, 0, len(g.Nodes))
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		if !anyLive(n, live) {
			continue
		}
		dropOutputs(n, live)
		for _, v := range n.In {
			if v != nil {
				live[v] = true
			}
		}
		kept = append(kept, n)
	}
	for i, j := 0, len(kept)-1; i < j; i, j = i+1, j-1 {
		kept[i], kept[j] = kept[j], kept[i]
	}
	g.Nodes = kept
	consts := g.Constants[:0:0]
	for _, c := range g.Constants {
		if live[c] {
			consts = append(consts, c)
		}
	}
	g.Constants = consts
}

func anyLive(n *Node, live map[*Value]bool) bool {
	for _, v := range n.Out {
		if v != nil && live[v] {
			return true
		}
	}
	return false
}

func dropOutputs(n *Node, live map[*Value]bool) {
	p, ok := n.Op.(PartialOutputs)
	if !ok {
		return
	}
	for i, v := range n.Out {
		if v != nil && !live[v] && p.OptionalOutput(i) {
			n.Out[i] = nil
		}
	}
}
