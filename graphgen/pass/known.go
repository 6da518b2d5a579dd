package pass

import (
	"reflect"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// giveKnown gives our units what the step has computed already. It comes after recomputing.
//
// A unit that is computed again gets the statistics of the first time. The gradient of a unit gets the result of the
// unit where the backward pass has it anyway, because it is X of the unit behind, and need not compute the
// convolutions again (op.ReluConvNormGrad).
func giveKnown(g *ir.Graph) {
	k := known{units: map[*ir.Value][]*ir.Node{}, equal: sameValues{}}
	readers, backward := g.Readers(), backwardOf(g)
	for _, n := range g.Nodes {
		if _, ok := n.Op.(op.ReluConvNorm); !ok {
			continue
		}
		if first := k.unit(n.Op, n.In[:3], func(u *ir.Node) bool { return u.Out[1] != nil && u.Out[2] != nil }); first != nil {
			op.GiveStatistics(n, first.Out[1], first.Out[2])
		}
		k.units[n.In[1]] = append(k.units[n.In[1]], n)
	}
	for _, n := range g.Nodes {
		o, ok := n.Op.(op.ReluConvNormGrad)
		if !ok {
			continue
		}
		u := k.unit(o.Unit, []*ir.Value{n.In[1], n.In[4], n.In[5]}, func(u *ir.Node) bool {
			return u.Op.(op.ReluConvNorm).PlainResult(u.In) &&
				slices.ContainsFunc(readers[u.Out[0]], func(r *ir.Node) bool { return backward[r] })
		})
		if u != nil {
			op.GiveResult(n, u.Out[0])
		}
	}
}

// known are the units of a graph by their W.
type known struct {
	units map[*ir.Value][]*ir.Node
	equal sameValues
}

// unit finds a unit with that operator and equal X, W and V.
func (k known) unit(o ir.Op, in []*ir.Value, fits func(*ir.Node) bool) *ir.Node {
	for _, u := range k.units[in[1]] {
		if u.Op == o && u.In[2] == in[2] && k.equal.of(u.In[0], in[0]) && fits(u) {
			return u
		}
	}
	return nil
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
