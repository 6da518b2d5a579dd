package pass

import (
	"cmp"
	"container/heap"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/port"
)

// chooser decides which values of the forward pass the backward pass computes again instead of
// keeping them. It begins with all of them kept and gives up, again and again, the value that frees
// the most bytes for the time of making it again: of the outputs of convolutions, batch norms and
// pools, what is left in the end are the values that took longest, such as the states of the cells,
// each a sum of several edges.
type chooser struct {
	time   func(*ir.Node) float64
	big    map[*ir.Value]bool // worth giving up: it depends on the images and is not small
	kept   map[*ir.Value]bool
	again  map[*ir.Node]bool // computed twice
	copies map[*ir.Value][]*ir.Node
}

// choice is one value that is given up, with what has to be kept in its place and what has to be
// computed again for it.
type choice struct {
	v       *ir.Value
	also    []*ir.Value // given up too, as copies of what is kept instead
	instead []*ir.Value
	nodes   []*ir.Node
	time    float64 // of the nodes
	rate    float64 // bytes a second
}

// smallest is the fraction of all bytes kept from which on a value is worth a thought.
const smallest = 1e-4

// longest bounds the nodes that one value may take to be made again. A value that takes more keeps
// more alive on the way than it saves.
const longest = 3

// choose gives up values until making them again takes the time budget.
func choose(g *ir.Graph, time func(*ir.Node) float64, budget float64) *chooser {
	needed := findNeeded(g)
	c := &chooser{time: time, big: bigValues(g, needed), kept: map[*ir.Value]bool{}, again: map[*ir.Node]bool{},
		copies: copiesOf(g)}
	var queue byRate
	for _, v := range needed {
		c.kept[v] = true
	}
	for _, v := range needed {
		if one, ok := c.consider(v); ok {
			queue = append(queue, one)
		}
	}
	heap.Init(&queue)
	for len(queue) > 0 {
		if !c.kept[queue[0].v] { // given up with another one
			heap.Pop(&queue)
			continue
		}
		// What was chosen since may have changed the cost.
		one, ok := c.consider(queue[0].v)
		if ok && one.rate < queue[0].rate {
			queue[0] = one
			heap.Fix(&queue, 0)
			continue
		}
		heap.Pop(&queue)
		if !ok || one.time > budget {
			continue
		}
		budget -= one.time
		c.take(one)
		for _, v := range one.instead {
			if next, ok := c.consider(v); ok {
				heap.Push(&queue, next)
			}
		}
	}
	return c
}

// chosen reports whether a value is computed again; a view is made again with what it shows.
func (c *chooser) chosen(v *ir.Value) bool {
	v = shown(v)
	return c.again[v.Def] && c.big[v] && !c.kept[v]
}

func (c *chooser) take(one choice) {
	delete(c.kept, one.v)
	for _, v := range one.also {
		delete(c.kept, v)
	}
	for _, v := range one.instead {
		c.kept[v] = true
	}
	for _, n := range one.nodes {
		c.again[n] = true
	}
}

// consider finds the better way to give up v: to compute all that leads to it again, or to keep the
// sources of its node and run only that again. ok is false if v must be kept.
func (c *chooser) consider(v *ir.Value) (one choice, ok bool) {
	if !c.big[v] || !repeatable(v.Def) {
		return one, false
	}
	all := choice{v: v}
	if c.collect(v, &all, map[*ir.Node]bool{}) {
		one = all.rated()
	}
	if last := c.fromSources(v).rated(); last.rate > one.rate {
		one = last
	}
	return one, one.rate > 0
}

// fromSources gives up v and keeps the sources of its node instead.
func (c *chooser) fromSources(v *ir.Value) choice {
	one := choice{v: v}
	if !c.again[v.Def] {
		one.nodes, one.time = []*ir.Node{v.Def}, c.time(v.Def)
	}
	for _, in := range sources(v.Def) {
		if in != nil && c.missing(in) && !slices.Contains(one.instead, shown(in)) {
			one.instead = append(one.instead, shown(in))
		}
	}
	for _, source := range one.instead {
		c.giveUpCopies(source, &one)
	}
	return one
}

// giveUpCopies adds the values that are kept and only copy numbers of a source.
func (c *chooser) giveUpCopies(source *ir.Value, one *choice) {
	for _, n := range c.copies[source] {
		given := false
		for _, v := range n.Out {
			if c.kept[v] && v != one.v {
				one.also, given = append(one.also, v), true
			}
		}
		if given && !c.again[n] {
			one.nodes, one.time = append(one.nodes, n), one.time+c.time(n)
		}
	}
}

// copiesOf lists the nodes that only copy the numbers of a value, by that value.
func copiesOf(g *ir.Graph) map[*ir.Value][]*ir.Node {
	copies := map[*ir.Value][]*ir.Node{}
	for _, n := range g.Nodes {
		if _, split := n.Op.(op.Split); split || moves(n.Op) && len(n.In) == 1 {
			copies[shown(n.In[0])] = append(copies[shown(n.In[0])], n)
		}
	}
	return copies
}

// rated computes how many bytes the choice frees for a second.
func (c choice) rated() choice {
	bytes := c.v.Bytes()
	for _, v := range c.also {
		bytes += v.Bytes()
	}
	for _, v := range c.instead {
		bytes -= v.Bytes()
	}
	c.rate = float64(bytes) / max(c.time, 1e-12)
	return c
}

// missing reports whether a source is neither kept nor computed again.
func (c *chooser) missing(v *ir.Value) bool {
	v = shown(v)
	return v.Def != nil && c.big[v] && !c.kept[v] && !c.again[v.Def]
}

// collect adds the nodes that make v from what is kept.
func (c *chooser) collect(v *ir.Value, one *choice, seen map[*ir.Node]bool) bool {
	n := v.Def
	if seen[n] || c.again[n] {
		return true
	}
	if !repeatable(n) || len(one.nodes) == longest {
		return false
	}
	seen[n] = true
	one.nodes, one.time = append(one.nodes, n), one.time+c.time(n)
	for _, in := range sources(n) {
		if in != nil && c.missing(in) && !c.collect(shown(in), one, seen) {
			return false
		}
	}
	return true
}

// repeatable reports whether a node may run twice: it does not if it overwrites something, or if
// it is the loss, by which the backward pass is known.
func repeatable(n *ir.Node) bool {
	switch n.Op.(type) {
	case op.BatchNormTraining:
		return true // the second time it gets buffers of its own
	case op.CrossEntropy:
		return false
	}
	_, overwrites := n.Op.(ir.Overwriter)
	return !overwrites && len(n.Clobbers()) == 0
}

// bigValues are those that depend on the images and take a noticeable part of what is kept. Statistics of batch norms
// never do, but in the smallest networks.
func bigValues(g *ir.Graph, needed []*ir.Value) map[*ir.Value]bool {
	total := 0
	for _, v := range needed {
		total += v.Bytes()
	}
	depends, big := map[*ir.Value]bool{}, map[*ir.Value]bool{}
	for _, v := range g.Inputs {
		depends[v] = v.Name == port.Images
	}
	for _, n := range g.Nodes {
		if !slices.ContainsFunc(n.In, func(v *ir.Value) bool { return depends[v] }) {
			continue
		}
		for _, v := range n.Out {
			if v != nil {
				depends[v] = true
				big[v] = v.Rank() > 1 && float64(v.Bytes()) > smallest*float64(total)
			}
		}
	}
	return big
}

// byRate is a heap with the best choice on top.
type byRate []choice

func (q byRate) Len() int           { return len(q) }
func (q byRate) Less(i, j int) bool { return cmp.Compare(q[i].rate, q[j].rate) > 0 }
func (q byRate) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byRate) Push(x any)        { *q = append(*q, x.(choice)) }
func (q *byRate) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
