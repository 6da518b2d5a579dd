// Package autodiff adds the backward pass to a graph: reverse-mode differentiation that emits only
// the gradients on the way from the outputs to the requested values.
package autodiff

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/scope"
)

// Grad returns d loss / d wrt[i] for a scalar loss, or nil where the loss does not depend on
// wrt[i].
func Grad(loss *ir.Value, wrt []*ir.Value) []*ir.Value {
	g := loss.Graph()
	if loss.Elements() != 1 {
		g.Fail("gradient: the loss must be a scalar, got %v", loss.Type)
	}
	one := op.Reshape{}.To(g.Scalar(1), loss.Shape...)
	return VJP([]*ir.Value{loss}, []*ir.Value{one}, wrt)
}

// VJP returns, for every value of wrt, the sum over i of cotangents[i] times d outs[i] / d wrt: one
// reverse sweep over the nodes that lie between wrt and outs. The gradient nodes get the scope of
// the node they differentiate, with "/grad" appended. Cotangents that meet at a value are added one
// by one as they arrive, so that each can be freed early.
func VJP(outs, cotangents, wrt []*ir.Value) []*ir.Value {
	g := outs[0].Graph()
	forward := g.Nodes[:len(g.Nodes):len(g.Nodes)]
	between := depends(forward, wrt)
	ct := make(map[*ir.Value]*ir.Value, len(forward))
	for i, v := range outs {
		accumulate(ct, v, cotangents[i])
	}
	for i := len(forward) - 1; i >= 0; i-- {
		sweep(g, forward[i], between, ct)
	}
	grads := make([]*ir.Value, len(wrt))
	for i, v := range wrt {
		grads[i] = ct[v]
	}
	return grads
}

// depends returns the set of values that are computed from any of wrt, including wrt itself.
func depends(nodes []*ir.Node, wrt []*ir.Value) map[*ir.Value]bool {
	set := make(map[*ir.Value]bool, len(nodes))
	for _, v := range wrt {
		set[v] = true
	}
	for _, n := range nodes {
		for _, in := range n.In {
			if in == nil || !set[in] {
				continue
			}
			for _, out := range n.Out {
				if out != nil && out.DType != ir.Int64 && out.DType != ir.Bool {
					set[out] = true
				}
			}
			break
		}
	}
	return set
}

// sweep pulls the cotangents of one node's outputs back to its inputs.
func sweep(g *ir.Graph, n *ir.Node, between map[*ir.Value]bool, ct map[*ir.Value]*ir.Value) {
	p := ir.Pullback{Node: n, Dy: make([]*ir.Value, len(n.Out)), Need: make([]bool, len(n.In))}
	reached, needed := false, false
	for i, v := range n.Out {
		if v != nil && ct[v] != nil {
			p.Dy[i], reached = ct[v], true
		}
	}
	for i, v := range n.In {
		if v != nil && between[v] {
			p.Need[i], needed = true, true
		}
	}
	if !reached || !needed {
		return
	}
	d, ok := n.Op.(ir.Differentiable)
	g.At(scope.Gradient(n.Scope), func() {
		if !ok {
			_, name := n.Op.OpType()
			g.Fail("gradient: %s has no VJP", name)
		}
		for i, dx := range d.VJP(p) {
			if dx != nil && p.Need[i] {
				accumulate(ct, n.In[i], dx)
			}
		}
	})
}

func accumulate(ct map[*ir.Value]*ir.Value, v, d *ir.Value) {
	if old := ct[v]; old != nil {
		d = op.Add{}.Of(old, d)
	}
	ct[v] = d
}
