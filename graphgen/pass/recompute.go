package pass

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/plan"
	"zos-ort/graphgen/scope"
)

// Recompute says whether the backward pass recomputes cheap values of the forward pass instead of
// keeping them. The numbers are the same to the bit: the same operators get the same inputs twice.
type Recompute int

// Values of Recompute.
const (
	RecomputeOff  Recompute = iota // keep everything that the backward pass reads
	RecomputeOn                    // keep costly values, and sources of cheap ones
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

// worthRecomputing is the smallest fraction of the peak for which RecomputeAuto spends time.
const worthRecomputing = .05

// recomputeCheap applies the pass to a finished graph. Values kept as bfloat16 are widened again in
// the backward pass in any case, or float32 would be kept beside them.
func recomputeCheap(g *ir.Graph, l Lowering) {
	least := func() func() { return nil }
	if l.Target == CUDABFloat16 {
		least = func() func() { return recompute(g, late) }
	}
	switch l.Recompute {
	case RecomputeOff:
		least()
	case RecomputeOn:
		recompute(g, cheap)
	case RecomputeAuto:
		undo := least()
		before := plan.Of(g).Peak
		if undo != nil {
			undo()
		}
		undo = recompute(g, cheap)
		if undo != nil && float64(plan.Of(g).Peak) > (1-worthRecomputing)*float64(before) {
			undo()
			least()
		}
	}
}

// cheap reports whether a node takes little time for its results: elementwise operators, copies,
// batch norms and single-pixel convolutions. A sum is as cheap, but its terms are not kept.
func cheap(n *ir.Node) bool {
	switch o := n.Op.(type) {
	case op.Cast:
		return o.To == ir.BFloat16 || widens(n)
	case op.Relu, op.Reshape, op.Transpose, op.Concat, op.Split, op.Slice, op.SliceVector,
		op.BatchNormTraining:
		return true
	case op.MatMul, op.Expand: // single-pixel convolutions, in bfloat16
		return n.Out[0].DType == ir.BFloat16
	case op.Conv:
		return o.Kernel == 1 && o.Group == 1
	}
	return false
}

// recomputer is one application of the pass.
type recomputer struct {
	g        *ir.Graph
	cheap    func(*ir.Node) bool
	backward map[*ir.Node]bool
	needed   map[*ir.Value]bool      // by the backward pass
	made     map[*ir.Value]bool      // whether cheap steps lead to a value, memoised
	again    map[*ir.Value]*ir.Value // replacements of values in the backward pass
	undo     []func()
}

// recompute lets the backward pass read copies of the cheap values. All copies stand between the
// forward and the backward pass. ONNX Runtime goes from a node to its producer with the largest
// index first (plan.RuntimeOrder), so it computes the incoming gradient before the copy, and the
// copy just before its reader. It returns a function that undoes the pass, or nil if nothing
// changed.
func recompute(g *ir.Graph, cheap func(*ir.Node) bool) (undo func()) {
	r := &recomputer{g: g, cheap: cheap, backward: backwardOf(g), needed: map[*ir.Value]bool{},
		made: map[*ir.Value]bool{}, again: map[*ir.Value]*ir.Value{}}
	first := r.findNeeded()
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
			if v == nil || v.Def == nil || r.backward[v.Def] || !r.makes(v) {
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
	g.TrimNodes() // otherwise the runtime would still run what the copies replace
	return func() {
		g.Nodes, g.Constants = old, constants
		for _, f := range r.undo {
			f()
		}
	}
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

// findNeeded finds what the backward pass reads from the forward pass. It returns the position of
// the first node of the backward pass, or -1 if there is none.
func (r *recomputer) findNeeded() (first int) {
	first = -1
	for i, n := range r.g.Nodes {
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

// available reports whether the backward pass can get v without extra memory: v is an input, or the
// backward pass reads it, or cheap steps from such values produce it. A bfloat16 value may be kept:
// it takes no more memory than what is computed from it.
func (r *recomputer) available(v *ir.Value) bool {
	return v.Def == nil || r.needed[v] || v.DType == ir.BFloat16 || r.makes(v)
}

// makes reports whether cheap steps from available values produce v.
func (r *recomputer) makes(v *ir.Value) bool {
	is, known := r.made[v]
	if known {
		return is
	}
	if is = v.Def != nil && r.cheap(v.Def); is {
		for _, in := range r.sources(v.Def) {
			is = is && r.available(in)
		}
	}
	r.made[v] = is
	return is
}

// sources returns the inputs that the result of a cheap node depends on. A batch norm in training
// does not depend on the running statistics that it updates.
func (r *recomputer) sources(n *ir.Node) []*ir.Value {
	if _, ok := n.Op.(op.BatchNormTraining); ok {
		return n.In[:3]
	}
	return n.In
}

// copyOf recomputes a value from what is available; a value without cheap steps is its own copy.
func (r *recomputer) copyOf(v *ir.Value) *ir.Value {
	if !r.makes(v) {
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
	r.g.At(scope.Again(n.Scope), func() {
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
