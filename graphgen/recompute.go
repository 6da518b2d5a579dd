package graphgen

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/plan"
)

// Recompute says whether the backward pass computes cheap values of the forward pass again, where
// it would otherwise keep them. The numbers are the same to the bit: the same operators get the same
// inputs a second time.
type Recompute int

// Values of Recompute.
const (
	RecomputeOff  Recompute = iota // keep everything that the backward pass reads
	RecomputeOn                    // keep what is dear, or what cheap values can be computed from
	RecomputeAuto                  // as on, if the predicted peak falls by worthRecomputing
)

// recomputeNames are the values as users write them.
var recomputeNames = []string{"off", "on", "auto"}

func (r Recompute) String() string { return recomputeNames[r] }

// ParseRecompute reads auto, on or off.
func ParseRecompute(name string) (Recompute, error) {
	if i := slices.Index(recomputeNames, name); i >= 0 {
		return Recompute(i), nil
	}
	return 0, fmt.Errorf("recompute: use auto, on or off, got %q", name)
}

// worthRecomputing is the least fraction of the peak that RecomputeAuto spends time on.
const worthRecomputing = .05

// recompute applies the pass to a finished graph.
func (r Recompute) recompute(g *ir.Graph) {
	if r == RecomputeOff {
		return
	}
	var before int
	if r == RecomputeAuto {
		before = plan.Of(g).Peak
	}
	undo := recompute(g)
	if undo != nil && r == RecomputeAuto &&
		float64(plan.Of(g).Peak) > (1-worthRecomputing)*float64(before) {
		undo()
	}
}

// cheap reports whether an operator takes little time for what it makes: elementwise ones, copies,
// batch norms and convolutions of single pixels. A sum is as cheap, but its terms are not kept.
func cheap(o ir.Op) bool {
	switch o := o.(type) {
	case op.Relu, op.Reshape, op.Transpose, op.Concat, op.Split, op.SliceVector, op.BatchNormTraining:
		return true
	case op.Conv:
		return o.Kernel == 1 && o.Group == 1
	}
	return false
}

// recomputer is one application of the pass.
type recomputer struct {
	g        *ir.Graph
	backward map[*ir.Node]bool
	needed   map[*ir.Value]bool      // by the backward pass
	kept     map[*ir.Value]bool      // whether a value will be there in the backward pass, memoised
	again    map[*ir.Value]*ir.Value // what stands for a value in the backward pass
	undo     []func()
}

// recompute lets the nodes of the backward pass read copies of the cheap values. All copies stand
// between the forward and the backward pass: ONNX Runtime goes from a node to its producer with the
// largest index first (plan.RuntimeOrder), so it computes the gradient that comes in before the copy,
// and the copy just before it is read. It returns what undoes the pass; nil if nothing was changed.
func recompute(g *ir.Graph) (undo func()) {
	r := &recomputer{g: g, backward: map[*ir.Node]bool{}, needed: map[*ir.Value]bool{},
		kept: map[*ir.Value]bool{}, again: map[*ir.Value]*ir.Value{}}
	first := r.findBackward()
	if first < 0 {
		return nil
	}
	old, constants, share := g.Nodes, g.Constants, g.Share
	g.Nodes, g.Share = slices.Clone(old[:first]), false
	for _, n := range old[first:] {
		if !r.backward[n] {
			continue
		}
		for i, v := range n.In {
			if v == nil || v.Def == nil || r.backward[v.Def] || !cheap(v.Def.Op) || !r.there(v) {
				continue
			}
			n.In[i] = r.copyOf(v)
			r.undo = append(r.undo, func() { n.In[i] = v })
		}
	}
	g.Nodes, g.Share = append(g.Nodes, old[first:]...), share
	if len(r.undo) == 0 {
		return nil
	}
	return func() {
		g.Nodes, g.Constants = old, constants
		for _, f := range r.undo {
			f()
		}
	}
}

// findBackward finds the nodes that depend on the loss and what they read of the others; it returns
// the position of the first, -1 if there are none.
func (r *recomputer) findBackward() (first int) {
	first = -1
	from := map[*ir.Node]bool{}
	for i, n := range r.g.Nodes {
		if _, ok := n.Op.(op.CrossEntropy); ok {
			from[n] = true
			continue
		}
		for _, v := range n.In {
			if v != nil && v.Def != nil && (from[v.Def] || r.backward[v.Def]) {
				r.backward[n] = true
			}
		}
		if !r.backward[n] {
			continue
		}
		if first < 0 {
			first = i
		}
		for _, v := range n.In {
			if v != nil && v.Def != nil && !r.backward[v.Def] {
				r.needed[v] = true
			}
		}
	}
	return first
}

// there reports whether a value can be had in the backward pass without keeping it or anything else
// for that: it is an input or dear and needed anyway, or comes by cheap steps from such values.
func (r *recomputer) there(v *ir.Value) bool {
	if v.Def == nil {
		return true
	}
	if is, known := r.kept[v]; known {
		return is
	}
	is := r.needed[v]
	if cheap(v.Def.Op) {
		is = true
		for _, in := range r.sources(v.Def) {
			is = is && r.there(in)
		}
	}
	r.kept[v] = is
	return is
}

// sources are the inputs that the result of a cheap node depends on. A batch norm in training does
// not use the running statistics that it updates.
func (r *recomputer) sources(n *ir.Node) []*ir.Value {
	if _, ok := n.Op.(op.BatchNormTraining); ok {
		return n.In[:3]
	}
	return n.In
}

// copyOf computes a value again, from what is there; a value that has no cheap steps is itself.
func (r *recomputer) copyOf(v *ir.Value) *ir.Value {
	if v.Def == nil || !cheap(v.Def.Op) || !r.there(v) {
		return v
	}
	if c, ok := r.again[v]; ok {
		return c
	}
	n := v.Def
	in := make([]*ir.Value, len(n.In))
	for i, x := range r.sources(n) {
		in[i] = r.copyOf(x)
	}
	var outs []*ir.Value
	r.g.At(n.Scope+"/again", func() {
		if _, ok := n.Op.(op.BatchNormTraining); ok {
			for i := 3; i < len(in); i++ { // ONNX Runtime writes into these two
				in[i] = op.Expand{}.To(r.g.Floats([]float32{0}, 1), in[1].Shape...)
			}
		}
		outs = r.g.Add(n.Op, in...)
	})
	for i, x := range n.Out {
		if x != nil {
			r.again[x] = outs[i]
		}
	}
	return r.again[v]
}
