package pass

import (
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/scope"
)

// recomputer is one application of the pass.
type recomputer struct {
	g      *ir.Graph
	onCPU  bool
	chosen func(*ir.Value) bool // values of the forward pass to compute again
	again  map[use]*ir.Value    // their copies
	copies map[*ir.Node]bool    // the nodes that make them
	late   map[*ir.Node]bool    // nodes that run in the backward pass
	undo   []func()
}

// use names a copy. Most copies serve all readers. A Concat is made for each of
// them: it is large and quickly made, and the output of a cell is read at the beginning and at the
// end of the backward pass of the two cells behind.
type use struct {
	v      *ir.Value
	reader *ir.Node
}

func useOf(v *ir.Value, reader *ir.Node) use {
	if _, ok := v.Def.Op.(op.Concat); ok {
		return use{v, reader}
	}
	return use{v: v}
}

// recompute lets the backward pass read copies of the chosen values. All copies stand between the
// forward and the backward pass. ONNX Runtime goes from a node to its producer with the largest
// index first (plan.RuntimeOrder), so it computes the incoming gradient before the copy, and the
// copy just before its reader. Copies of units get the statistics of the first time, which only the
// CPU's kernels take. It returns a function that undoes the pass.
func recompute(g *ir.Graph, t Target, chosen func(*ir.Value) bool) (undo func()) {
	r := &recomputer{g: g, onCPU: t == CPUKernels, chosen: chosen, again: map[use]*ir.Value{}, copies: map[*ir.Node]bool{},
		late: lateNodes(g)}
	backward := backwardOf(g)
	old, constants, share := g.Nodes, g.Constants, g.Share
	g.Nodes, g.Share = nil, false
	var after []*ir.Node
	for _, n := range old {
		if !r.late[n] {
			g.Nodes = append(g.Nodes, n)
		}
	}
	for _, n := range old {
		if !r.late[n] {
			continue
		}
		r.redirect(n)
		if backward[n] {
			after = append(after, n)
		} else {
			g.Nodes = append(g.Nodes, n)
		}
	}
	g.Nodes = append(g.Nodes, after...)
	undo = func() {
		g.Nodes, g.Constants, g.Share = old, constants, share
		for _, f := range r.undo {
			f()
		}
	}
	if len(r.undo) == 0 {
		undo()
		return func() {}
	}
	g.TrimNodes() // otherwise the runtime would still run what the copies replace
	r.cut()
	g.Share = share
	return undo
}

// cut replaces copies of splits of channels, of which only a part is read, by that part alone: ONNX Runtime keeps a
// result that nobody reads to the end of the run.
func (r *recomputer) cut() {
	readers, nodes := r.g.Readers(), r.g.Nodes
	r.g.Nodes = make([]*ir.Node, 0, len(nodes))
	for _, n := range nodes {
		s, ok := n.Op.(op.Split)
		unread := func(v *ir.Value) bool { return len(readers[v]) == 0 }
		if !ok || s.Axis != 1 || !r.copies[n] || !slices.ContainsFunc(n.Out, unread) {
			r.g.Nodes = append(r.g.Nodes, n)
			continue
		}
		r.g.At(n.Scope, func() {
			for i, v := range n.Out {
				if unread(v) {
					continue
				}
				piece := s.Piece(n.In[0], i)
				for _, reader := range readers[v] {
					reader.In[slices.Index(reader.In, v)] = piece
				}
			}
		})
	}
}

// redirect lets n read copies.
func (r *recomputer) redirect(n *ir.Node) {
	for i, v := range n.In {
		if v == nil || v.Def == nil || r.late[v.Def] || !r.chosen(v) {
			continue
		}
		n.In[i] = r.copyOf(v, n)
		r.undo = append(r.undo, func() { n.In[i] = v })
	}
}

// copyOf computes a value of the forward pass again for a reader; a value that is not chosen is its
// own copy.
func (r *recomputer) copyOf(v *ir.Value, reader *ir.Node) *ir.Value {
	if v == nil || v.Def == nil || !r.chosen(v) {
		return v
	}
	if c, ok := r.again[useOf(v, reader)]; ok {
		return c
	}
	n := v.Def
	in := make([]*ir.Value, len(n.In))
	for i, x := range sources(n) {
		in[i] = r.copyOf(x, n)
	}
	var outs []*ir.Value
	r.g.At(scope.Again(n.Scope), func() {
		if _, ok := n.Op.(op.BatchNormTraining); ok {
			for i := 3; i < len(in); i++ { // ONNX Runtime writes into these two
				in[i] = op.Expand{}.To(r.g.Floats([]float32{0}, 1), in[1].Shape...)
			}
		}
		if _, ok := n.Op.(op.ReluConvNorm); ok && r.onCPU {
			in = op.WithStatistics(n, in)
		}
		outs = r.g.AddWanted(n.Op, r.wanted(n), in...)
	})
	r.copies[r.g.Nodes[len(r.g.Nodes)-1]] = true
	for i, x := range n.Out {
		if x != nil {
			r.again[useOf(x, reader)] = outs[i]
		}
	}
	return r.again[useOf(v, reader)]
}

// wanted leaves out the optional outputs that nobody reads again, such as statistics.
func (r *recomputer) wanted(n *ir.Node) []bool {
	p, ok := n.Op.(ir.PartialOutputs)
	wanted := make([]bool, len(n.Out))
	for i, v := range n.Out {
		wanted[i] = !ok || !p.OptionalOutput(i) || v != nil && r.chosen(v)
	}
	return wanted
}

// sources returns the inputs that the result of a node depends on. A batch norm in training does
// not depend on the running statistics that it updates.
func sources(n *ir.Node) []*ir.Value {
	if _, ok := n.Op.(op.BatchNormTraining); ok {
		return n.In[:3]
	}
	return n.In
}

// backwardOf returns the nodes of the backward pass: those that depend on the loss.
func backwardOf(g *ir.Graph) map[*ir.Node]bool {
	from, backward := map[*ir.Node]bool{}, map[*ir.Node]bool{}
	for _, n := range g.Nodes {
		if _, ok := n.Op.(op.CrossEntropy); ok {
			from[n] = true
			continue
		}
		for _, v := range n.In {
			if v != nil && v.Def != nil && (from[v.Def] || backward[v.Def]) {
				backward[n] = true
			}
		}
	}
	return backward
}

// lateNodes returns the nodes of the backward pass and those that only it reads: the runtime
// computes a node when the first reader needs it.
func lateNodes(g *ir.Graph) map[*ir.Node]bool {
	late, readers := backwardOf(g), g.Readers()
	for _, o := range g.Outputs {
		readers[o.Value] = append(readers[o.Value], nil)
	}
	for _, n := range slices.Backward(g.Nodes) {
		read, onlyLate := false, true
		for _, v := range n.Out {
			for _, reader := range readers[v] {
				read, onlyLate = true, onlyLate && late[reader]
			}
		}
		late[n] = late[n] || read && onlyLate
	}
	return late
}

// findNeeded lists the values of the forward pass that the backward pass reads, in the order of
// reading. A view stands for what it shows.
func findNeeded(g *ir.Graph) (needed []*ir.Value) {
	late, seen := lateNodes(g), map[*ir.Value]bool{}
	for _, n := range g.Nodes {
		if !late[n] {
			continue
		}
		for _, v := range n.In {
			if v == nil || late[v.Def] {
				continue
			}
			if v = shown(v); v.Def != nil && !seen[v] {
				seen[v] = true
				needed = append(needed, v)
			}
		}
	}
	return needed
}

// shown is the value that a view, or a view of a view, shows in another shape.
func shown(v *ir.Value) *ir.Value {
	for v.Def != nil {
		if _, aliases := v.Def.Op.(ir.Aliaser); !aliases || len(v.Def.Out) != 1 {
			break
		}
		v = v.Def.In[0]
	}
	return v
}
