package pass

import (
	"reflect"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// giveResults gives gradients of units the results of these units, where the backward pass has them anyway:
// where the unit behind reads it, or a copy of it, as its X. Then the gradient need not compute the
// convolutions again (op.ReluConvNormGrad). It comes after recomputing, which decides what the backward pass has.
func giveResults(g *ir.Graph) {
	readers, backward := g.Readers(), backwardOf(g)
	has := func(n *ir.Node) bool {
		return slices.ContainsFunc(readers[n.Out[0]], func(r *ir.Node) bool { return backward[r] })
	}
	units := map[*ir.Value][]*ir.Node{} // by W
	for _, n := range g.Nodes {
		if o, ok := n.Op.(op.ReluConvNorm); ok && o.PlainResult(n.In) && has(n) {
			units[n.In[1]] = append(units[n.In[1]], n)
		}
	}
	equal := sameValues{}
	for _, n := range g.Nodes {
		o, ok := n.Op.(op.ReluConvNormGrad)
		if !ok {
			continue
		}
		for _, u := range units[n.In[4]] {
			if u.Op == ir.Op(o.Unit) && u.In[2] == n.In[5] && equal.of(u.In[0], n.In[1]) {
				op.GiveResult(n, u.Out[0])
				break
			}
		}
	}
}

// sameValues remembers which values are equal because the same operators make them of the same values.
type sameValues map[[2]*ir.Value]bool

func (s sameValues) of(v, w *ir.Value) bool {
	if v == nil || w == nil || v == w || v.Def == nil || w.Def == nil {
		return v == w
	}
	pair := [2]*ir.Value{v, w}
	if same, known := s[pair]; known {
		return same
	}
	same := len(v.Def.In) == len(w.Def.In) && slices.Index(v.Def.Out, v) == slices.Index(w.Def.Out, w) &&
		reflect.DeepEqual(v.Def.Op, w.Def.Op)
	for i := 0; same && i < len(v.Def.In); i++ {
		same = s.of(v.Def.In[i], w.Def.In[i])
	}
	s[pair] = same
	return same
}
