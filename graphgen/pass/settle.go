package pass

import (
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/plan"
	"zos-ort/graphgen/scope"
)

// settle runs the ends of the backward pass early: nodes that turn images into a few numbers, such
// as the gradient of a mixing weight. Only the end of the step reads these numbers, so ONNX Runtime
// would compute them there (plan.RuntimeOrder) and keep all images that they read till then. A node
// of the way back to the images waits for each of them: the last one that reads the same image of
// the forward pass. It returns a function that undoes the pass.
func settle(g *ir.Graph) (undo func()) {
	s := newSettler(g)
	old, before := g.Nodes, map[*ir.Node][]*ir.Node{}
	var undoes []func()
	for _, n := range old {
		if !s.ends(n) {
			continue
		}
		m, i := s.waiter(n)
		if m == nil {
			continue
		}
		v := m.In[i]
		before[m] = append(before[m], s.barrier(m, i, n))
		undoes = append(undoes, func() { m.In[i] = v })
	}
	g.Nodes = nil
	for _, n := range old {
		g.Nodes = append(append(g.Nodes, before[n]...), n)
	}
	sortNodes(g)
	return func() {
		g.Nodes = old
		for _, f := range slices.Backward(undoes) {
			f()
		}
	}
}

// settler knows the order in which the nodes would run.
type settler struct {
	g        *ir.Graph
	backward map[*ir.Node]bool
	readers  map[*ir.Value][]*ir.Node
	at       map[*ir.Node]int
	outputs  map[*ir.Value]bool
}

func newSettler(g *ir.Graph) *settler {
	s := &settler{g: g, backward: backwardOf(g), readers: g.Readers(), at: map[*ir.Node]int{},
		outputs: map[*ir.Value]bool{}}
	for position, i := range plan.FromGraph(g).RuntimeOrder() {
		if i < len(g.Nodes) { // the others copy outputs
			s.at[g.Nodes[i]] = position
		}
	}
	for _, o := range g.Outputs {
		s.outputs[o.Value] = true
	}
	return s
}

// ends reports whether a node of the backward pass reads images and gives none.
func (s *settler) ends(n *ir.Node) bool {
	return s.backward[n] && n.Out[0] != nil && !s.outputs[n.Out[0]] && slices.ContainsFunc(n.In, isImages) &&
		!slices.ContainsFunc(n.Out, isImages)
}

// isImages reports whether a value has a number for every pixel of a batch.
func isImages(v *ir.Value) bool { return v != nil && isBatch(shown(v)) && shown(v).Rank() == 4 }

// waiter finds the node that waits for n, and its input that passes through n: of those that run
// when n can run, the last reader of an image that n reads or that one of these is made of.
func (s *settler) waiter(n *ir.Node) (waits *ir.Node, input int) {
	ready := 0
	for _, v := range n.In {
		if v != nil && s.backward[v.Def] { // anything else is there, or can be made at any time
			ready = max(ready, s.at[v.Def])
		}
	}
	look := func(v *ir.Value) {
		for _, m := range s.readers[v] {
			i := s.gradient(m)
			if m != n && i >= 0 && s.at[m] > ready && (waits == nil || s.at[m] > s.at[waits]) {
				waits, input = m, i
			}
		}
	}
	for _, v := range n.In {
		if v = shown(v); v.Def == nil || s.backward[v.Def] {
			continue
		}
		for _, beside := range v.Def.Out { // v and the other parts of what it is a part of
			look(beside)
		}
		if waits == nil {
			for _, source := range v.Def.In {
				if isImages(source) {
					look(source)
				}
			}
		}
	}
	return waits, input
}

// gradient is the input of a node on the way back that is the gradient of an image; -1 if there is
// none.
func (s *settler) gradient(m *ir.Node) int {
	if !s.backward[m] || !slices.ContainsFunc(m.Out, isImages) {
		return -1
	}
	return slices.IndexFunc(m.In, func(v *ir.Value) bool {
		return isImages(v) && v.Def != nil && s.backward[v.Def] && !s.outputs[v]
	})
}

// barrier lets input i of m wait for n.
func (s *settler) barrier(m *ir.Node, i int, n *ir.Node) *ir.Node {
	x := []*ir.Value{m.In[i], n.Out[0]}
	s.g.At(scope.Again(n.Scope), func() { m.In[i] = op.PassThrough{}.Of(x...)[0] })
	m.In[i].Axis = x[0].Axis
	s.backward[m.In[i].Def] = true // the next one to wait for passes through this
	return m.In[i].Def
}

// sortNodes puts nodes that stand behind a reader before it.
func sortNodes(g *ir.Graph) {
	placed, nodes := map[*ir.Node]bool{}, make([]*ir.Node, 0, len(g.Nodes))
	var place func(n *ir.Node)
	place = func(n *ir.Node) {
		if placed[n] {
			return
		}
		placed[n] = true
		for _, v := range n.In {
			if v != nil && v.Def != nil {
				place(v.Def)
			}
		}
		nodes = append(nodes, n)
	}
	for _, n := range g.Nodes {
		place(n)
	}
	g.Nodes = nodes
}
