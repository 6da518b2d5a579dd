package ir

import "slices"

// PartialOutputs is an Op with outputs that a node may leave out.
type PartialOutputs interface {
	Op
	OptionalOutput(i int) bool
}

// Trim removes the nodes that no graph output depends on, optional outputs without readers, and the
// constants without readers. Inputs stay, even if nothing reads them.
func (g *Graph) Trim() {
	live := g.TrimNodes()
	for _, n := range g.Nodes {
		dropOutputs(n, live)
	}
	consts := g.Constants[:0:0]
	for _, c := range g.Constants {
		if live[c] {
			consts = append(consts, c)
		}
	}
	g.Constants = consts
}

// TrimNodes removes the nodes that no graph output depends on, and changes nothing else: restoring
// the old list of nodes undoes it. It returns the values that are read or are graph outputs.
func (g *Graph) TrimNodes() (live map[*Value]bool) {
	live = map[*Value]bool{}
	for _, o := range g.Outputs {
		live[o.Value] = true
	}
	kept := make([]*Node, 0, len(g.Nodes))
	for _, n := range slices.Backward(g.Nodes) {
		if !anyLive(n, live) {
			continue
		}
		for _, v := range n.In {
			if v != nil {
				live[v] = true
			}
		}
		kept = append(kept, n)
	}
	slices.Reverse(kept)
	g.Nodes = kept
	return live
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
