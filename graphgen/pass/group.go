package pass

import (
	"cmp"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/plan"
)

// groupPeak is by how much grouping may raise the peak of a program.
const groupPeak = 1.6

// How many values, or bfloat16 images and others, a group may read and leave in any case; see op.FitsDevice.
const groupValues, groupImages = 1024, 384

// group makes one node of many of our operators: those that stand one after the other in ONNX Runtime's order.
// What they can do at the same time takes one launch. A node of another kind goes before the group if it can,
// else behind it. A group ends where something waits for a node behind it, or where it would take too much
// memory.
func group(g *ir.Graph) {
	p := plan.FromGraph(g)
	s := plan.Simulate(p, p.RuntimeOrder())
	t := &grouper{graph: g, readers: g.Readers(), most: int(groupPeak * float64(s.Peak)), of: map[*ir.Node]int{},
		mostValues: groupValues}
	if slices.ContainsFunc(g.Nodes, func(n *ir.Node) bool { return n.Out[0] != nil && n.Out[0].DType == ir.BFloat16 }) {
		t.mostValues = groupImages
	}
	for _, o := range g.Outputs {
		t.readers[o.Value] = append(t.readers[o.Value], nil)
	}
	for position, i := range s.Order {
		if i < len(g.Nodes) { // the others copy outputs
			t.place(g.Nodes[i], s.Timeline[position])
		}
	}
	t.flush()
	t.apply()
	nameAxes(g)
}

// grouper is an application of the pass.
type grouper struct {
	graph   *ir.Graph
	readers map[*ir.Value][]*ir.Node
	most    int // bytes
	// mostValues is how many values a group may have in any case.
	mostValues int

	nodes  []*ir.Node       // in their new order
	groups [][]*ir.Node     // finished groups, of whose nodes the last is in nodes
	of     map[*ir.Node]int // group of a node, from 1 on

	now    []*ir.Node // the present group
	behind []*ir.Node // nodes that go behind it
	base   int        // bytes that are alive when it begins
	size   size       // of the present group, at most
}

// size is what a group takes: the bytes that it works in, and the values that it reads and leaves.
type size struct{ bytes, values int }

// place finds a place for the next node, at which that many bytes are alive.
func (t *grouper) place(n *ir.Node, alive int) {
	if !op.Groupable(n) {
		if t.waits(n, func(d *ir.Node) bool { return slices.Contains(t.now, d) || slices.Contains(t.behind, d) }) {
			t.behind = append(t.behind, n)
		} else {
			t.nodes = append(t.nodes, n)
		}
		return
	}
	alone := size{bytesOf(n), len(n.In) + len(n.Out)}
	with, fits := alone, false
	if !t.waits(n, func(d *ir.Node) bool { return slices.Contains(t.behind, d) }) {
		with, fits = t.with(n, alone)
	}
	if !fits {
		t.flush()
	}
	if len(t.now) == 0 {
		t.base, with = alive, alone
	}
	t.now, t.size = append(t.now, n), with
}

// waits reports whether a node reads results of nodes of a kind.
func (t *grouper) waits(n *ir.Node, kind func(*ir.Node) bool) bool {
	return slices.ContainsFunc(n.In, func(v *ir.Value) bool {
		if v == nil {
			return false
		}
		if op.Groupable(n) {
			v, _ = op.Source(v)
		}
		return v.Def != nil && kind(v.Def)
	})
}

// bytesOf bounds the memory that a member of a group takes.
func bytesOf(n *ir.Node) int {
	alone := op.Gather([]*ir.Node{copyOf(n)}, func(*ir.Value) bool { return true })
	bytes := op.Scratch(alone)
	for _, v := range n.Out {
		if v != nil {
			bytes += v.Bytes()
		}
	}
	return bytes
}

// copyOf copies a node with its results, for trying things out.
func copyOf(n *ir.Node) *ir.Node {
	c := *n
	c.Out = make([]*ir.Value, len(n.Out))
	for i, v := range n.Out {
		if v != nil {
			twin := *v
			twin.Def, c.Out[i] = &c, &twin
		}
	}
	return &c
}

// with is the size of the group with n, at most, and whether n can join it: by the sum of the sizes or, if that is
// too much, by what the group with n would take.
func (t *grouper) with(n *ir.Node, alone size) (with size, fits bool) {
	with = size{t.size.bytes + alone.bytes, t.size.values + alone.values}
	if len(t.now) == 0 || t.base+with.bytes <= t.most && with.values <= t.mostValues {
		return with, true
	}
	all := t.tryOut(append(slices.Clone(t.now), n))
	with = size{op.Scratch(all), len(all.In) + len(all.Out)}
	for _, v := range all.Out {
		with.bytes += v.Bytes()
	}
	return with, t.base+with.bytes <= t.most && op.FitsDevice(all)
}

// tryOut is the node of a group, made of copies.
func (t *grouper) tryOut(nodes []*ir.Node) *ir.Node {
	twins, copies := map[*ir.Value]*ir.Value{}, make([]*ir.Node, len(nodes))
	needed := map[*ir.Value]bool{}
	for i, n := range nodes {
		c := copyOf(n)
		c.In = slices.Clone(n.In)
		for j, v := range c.In {
			if v == nil {
				continue
			}
			if twin, ok := twins[v]; ok {
				c.In[j] = twin
			} else if source, offset := op.Source(v); twins[source] != nil && offset == 0 {
				c.In[j] = twins[source]
			}
		}
		for j, v := range n.Out {
			if v != nil {
				twins[v] = c.Out[j]
				needed[c.Out[j]] = slices.ContainsFunc(t.readers[v], func(r *ir.Node) bool { return !slices.Contains(nodes, r) })
			}
		}
		copies[i] = c
	}
	return op.Gather(copies, func(v *ir.Value) bool { return needed[v] })
}

// flush ends the present group.
func (t *grouper) flush() {
	if len(t.now) > 0 {
		if slices.ContainsFunc(t.now, func(n *ir.Node) bool { return n.Op != ir.Op(op.Add{}) || n.In[0].DType != ir.Float }) {
			t.groups = append(t.groups, t.now)
			for _, n := range t.now {
				t.of[n] = len(t.groups)
			}
		}
		t.nodes = append(t.nodes, t.now...)
	}
	t.nodes = append(t.nodes, t.behind...)
	t.now, t.behind = nil, nil
}

// apply makes the nodes of the groups. The nodes get the order that they had before, a group where its last node
// was, as far as that is an order of computing: ONNX Runtime's order depends on it (plan.RuntimeOrder), and
// what is computed again for the backward pass must stand before it.
func (t *grouper) apply() {
	at := map[*ir.Node]int{}
	for i, n := range t.graph.Nodes {
		at[n] = i
	}
	needed := t.needed()
	list := make([]*ir.Node, 0, len(t.nodes))
	for i, n := range t.nodes {
		g := t.of[n]
		switch {
		case g == 0:
			list = append(list, n)
		case i+1 == len(t.nodes) || t.of[t.nodes[i+1]] != g:
			all := op.Gather(t.groups[g-1], func(v *ir.Value) bool { return needed[v] })
			for _, m := range t.groups[g-1] {
				at[all] = max(at[all], at[m])
			}
			list = append(list, all)
		}
	}
	for _, n := range list { // what depends on a group that stands late stands behind it
		for _, v := range n.In {
			if v != nil && v.Def != nil {
				at[n] = max(at[n], at[v.Def])
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *ir.Node) int { return cmp.Compare(at[a], at[b]) })
	t.graph.Nodes = list
}

// needed lists the values that are needed outside of the group that they come from.
func (t *grouper) needed() map[*ir.Value]bool {
	needed, live := map[*ir.Value]bool{}, map[*ir.Value]bool{}
	for _, o := range t.graph.Outputs {
		needed[o.Value], live[o.Value] = true, true
	}
	for _, n := range slices.Backward(t.nodes) {
		if !slices.ContainsFunc(n.Out, func(v *ir.Value) bool { return live[v] }) {
			continue
		}
		for _, v := range n.In {
			if v == nil {
				continue
			}
			if t.of[n] > 0 {
				v, _ = op.Source(v)
			}
			live[v] = true
			needed[v] = needed[v] || v.Def != nil && t.of[v.Def] != t.of[n]
		}
	}
	return needed
}
