package plan

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/port"
)

// Of predicts the memory of a graph that ONNX Runtime runs in its default order.
func Of(g *ir.Graph) Plan {
	p := FromGraph(g)
	return Simulate(p, p.RuntimeOrder())
}

// FromGraph returns the program of a graph. Its nodes have the indices of the emitted file.
func FromGraph(g *ir.Graph) *Program {
	p, index := &Program{}, map[*ir.Value]int{}
	add := func(v *ir.Value, k Kind) {
		index[v] = len(p.Values)
		p.Values = append(p.Values, Value{Name: v.Name, Shape: v.Shape, Element: v.DType.Size(), Axis: v.Axis,
			Kind: k})
	}
	for _, v := range g.Inputs {
		if port.IsState(v.Name) {
			add(v, State)
		} else {
			add(v, Input)
		}
	}
	for _, v := range g.Constants {
		add(v, Constant)
	}
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil {
				add(v, Computed)
			}
		}
		_, name := n.Op.OpType()
		node := Node{Op: name, Scope: n.Scope, In: indices(index, n.In), Out: indices(index, n.Out)}
		if d, ok := n.Op.(op.Device); ok {
			node.Scratch = Rounded(d.Scratch)
		}
		p.Nodes = append(p.Nodes, node)
	}
	p.outputs(g, index)
	return p
}

// outputs marks the results. A result that is an input, a constant, or already a result under
// another name is copied by a node of its own, as in the file.
func (p *Program) outputs(g *ir.Graph, index map[*ir.Value]int) {
	taken := map[*ir.Value]bool{}
	for _, o := range g.Outputs {
		v := index[o.Value]
		if o.Value.Def == nil || taken[o.Value] {
			copied := p.Values[v]
			copied.Kind = Computed
			p.Nodes = append(p.Nodes, Node{Op: "Identity", In: []int{v}, Out: []int{len(p.Values)}})
			v = len(p.Values)
			p.Values = append(p.Values, copied)
		}
		taken[o.Value] = true
		p.Values[v].Output, p.Values[v].Name = true, o.Name
	}
}

func indices(index map[*ir.Value]int, values []*ir.Value) []int {
	list := make([]int, len(values))
	for i, v := range values {
		list[i] = Absent
		if v != nil {
			list[i] = index[v]
		}
	}
	return list
}
