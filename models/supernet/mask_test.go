package supernet_test

import (
	"fmt"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
)

// census counts the nodes whose number the mask decides.
type census struct{ depthwise, pointwise, maxPool, avgPool, bypass int }

// count takes the census of a graph, or of the convolutions whose gradients it computes.
func count(g *ir.Graph, gradients bool) (n census) {
	for _, node := range g.Nodes {
		o := node.Op
		if grad, ok := o.(op.ConvGrad); ok == gradients {
			if ok {
				o = grad.Conv
			}
			n.see(o)
		}
	}
	return n
}

func (n *census) see(o ir.Op) {
	switch o := o.(type) {
	case op.Conv:
		switch {
		case o.Group > 1:
			n.depthwise++
		case o.Kernel == 2: // both of a factorised reduction
			n.pointwise += 2
		default:
			n.pointwise++ // 1x1, and the 3x3 of the stem
		}
	case op.MaxPool:
		if o.Kernel == 2 {
			n.bypass++
		} else {
			n.maxPool++
		}
	case op.AveragePool:
		n.avgPool++
	}
}

// expect says what a mask leaves in the network.
func expect(c supernet.Config) census {
	n := census{pointwise: 1}
	reduced := false
	for i := range c.Cells {
		t := space.Normal
		if space.DARTS.Reduces(i, c.Cells) {
			t = space.Reduce
		}
		n.pointwise += 2
		if reduced {
			n.pointwise++
		}
		reduced = t == space.Reduce
		pools := map[string]bool{}
		for e, set := range c.Mask.Sets(t) {
			for _, p := range space.DARTS.Members(set) {
				n.add(c, t, e, p, pools)
			}
		}
		if c.Partial > 1 && reduced {
			n.bypass += 2 // one per state that is read with stride 2
			if !c.Passes.Has(pass.Pools) {
				n.bypass += 6 // one per edge: both states go to four nodes
			}
		}
	}
	return n
}

func (n *census) add(c supernet.Config, t space.CellType, e int, p space.Primitive,
	pools map[string]bool) {
	source := space.DARTS.EdgeAt(e).Source
	switch p {
	case space.SepConv3x3, space.SepConv5x5:
		n.depthwise, n.pointwise = n.depthwise+2, n.pointwise+2
	case space.DilConv3x3, space.DilConv5x5:
		n.depthwise, n.pointwise = n.depthwise+1, n.pointwise+1
	case space.SkipConnect:
		if space.DARTS.Stride(t, source) == 2 {
			n.pointwise += 2
		}
	case space.MaxPool3x3, space.AvgPool3x3:
		key := fmt.Sprint(p, source)
		if c.Passes.Has(pass.Pools) && pools[key] {
			return
		}
		pools[key] = true
		if p == space.MaxPool3x3 {
			n.maxPool++
		} else {
			n.avgPool++
		}
	}
}

// A masked operation is absent from every program, forward and backward.
func TestMaskedOperationsAreAbsent(t *testing.T) {
	for seed := range uint64(4) {
		mask := randomMask(seed)
		c := small(mask, 1+3*int(seed%2), []pass.Set{noPasses, pass.All}[seed/2%2])
		c.Channels, c.Cells = 8, 4
		s, want := spec(c, 2, 8), expect(c)
		step, rank := check.Must(s.WeightStep())(t), check.Must(s.Rank())(t)
		alpha, eval := check.Must(s.AlphaStep())(t), check.Must(s.Evaluate())(t)
		for _, g := range []*ir.Graph{step.Graph, rank.Graph, alpha.Graph, eval.Graph} {
			if got := count(g, false); got != want {
				t.Errorf("mask %d, %s: %+v, want %+v", seed, g.Name, got, want)
			}
			noTrace(t, g, c)
		}
		if got := count(step.Graph, true); got.depthwise != want.depthwise ||
			got.pointwise != want.pointwise {
			t.Errorf("mask %d: gradients of %+v, want %+v", seed, got, want)
		}
	}
}

// noTrace checks that no scope names a masked operation of its cell type.
func noTrace(t *testing.T, g *ir.Graph, c supernet.Config) {
	t.Helper()
	masked := map[string]bool{}
	for i := range c.Cells {
		kind := space.Normal
		if space.DARTS.Reduces(i, c.Cells) {
			kind = space.Reduce
		}
		for e, set := range c.Mask.Sets(kind) {
			for _, p := range space.DARTS.Operations() {
				masked[fmt.Sprintf("cell%d/edge%d/%v", i, e, p)] = !set.Has(p)
			}
		}
	}
	for _, n := range g.Nodes {
		if parts := strings.Split(n.Scope, "/"); len(parts) > 2 && masked[strings.Join(parts[:3], "/")] {
			t.Errorf("%s: %T of a masked operation at %s", g.Name, n.Op, n.Scope)
		}
	}
}

// The mixing weights belong to the operations that have nodes, and no others.
func TestMixPorts(t *testing.T) {
	mask := randomMask(3)
	for _, partial := range []int{1, 4} {
		p := check.Must(spec(small(mask, partial, pass.All), 2, 8).AlphaStep())(t)
		for _, kind := range space.DARTS.CellTypes() {
			live := 0
			for _, set := range mask.Sets(kind) {
				live += set.Without(space.None).Len()
			}
			port := check.Must(p.Signature.In(supernet.MixPort(kind)))(t)
			if n := len(supernet.Operations(mask, kind)); port.Type.Elements() != live || n != live {
				t.Errorf("%v: %v, %d operations, want %d", kind, port.Type, n, live)
			}
			edges, err := p.Signature.In(supernet.EdgePort(kind))
			if (err == nil) != (partial > 1) {
				t.Errorf("1/%d channels: edge weights %v, %v", partial, edges.Type, err)
			}
		}
	}
}
