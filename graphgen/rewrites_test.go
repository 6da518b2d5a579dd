package graphgen_test

import (
	"fmt"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/plan"
)

// Reduce and Indices, alone and together, reduce the memory of a supernet's steps, and change no
// losses, gradients, weights or statistics.
func TestRewrites(t *testing.T) {
	for _, partial := range []int{1, 2} {
		s := small(partial)
		plain := programs(t, s)
		for _, r := range []pass.Set{pass.Reduce, pass.Indices, pass.Reduce | pass.Indices} {
			s.Passes = pass.Share | r
			for name, p := range programs(t, s) {
				what := fmt.Sprintf("partial %d, %s with %v", partial, name, r)
				wantRewritten(t, what, p.Graph, r)
				peak, before := plan.Of(p.Graph).Peak, plan.Of(plain[name].Graph).Peak
				if name != "eval" && name != "rank" && peak >= before {
					t.Errorf("%s: peak %d, without %d", what, peak, before)
				}
				in := inputs(plain[name], 4)
				out, state := run(t, p, in)
				want, wantState := run(t, plain[name], in)
				for port := range want {
					check.Close(t, what+" "+port, out[port].F, want[port].F, 1e-9, 0)
				}
				for port := range wantState {
					check.Close(t, what+" "+port, state[port].F, wantState[port].F, 1e-9, 0)
				}
			}
		}
	}
}

// wantRewritten checks that a rewrite leaves none of what it replaces.
func wantRewritten(t *testing.T, what string, g *ir.Graph, r pass.Set) {
	t.Helper()
	for _, n := range g.Nodes {
		switch o := n.Op.(type) {
		case op.Slice:
			if r.Has(pass.Reduce) && o == (op.Slice{Top: 1, Left: 1}) && n.In[0].Shape[2] > 2 {
				t.Errorf("%s: a shifted copy is left at %s", what, n.Scope)
			}
		case op.MaxPoolGrad:
			if _, narrow := n.In[1].Def.Op.(op.Cast); narrow != r.Has(pass.Indices) {
				t.Errorf("%s: index of one byte is %v at %s", what, narrow, n.Scope)
			}
		}
	}
}

// An index that does not fit in a byte stays as it is.
func TestIndicesOfWideImages(t *testing.T) {
	pool := op.MaxPool{Kernel: 3, Stride: 1, Pad: 1}
	g := ir.New("wide")
	for width, fits := range map[int]bool{126: true, 127: false} {
		x := g.Input(fmt.Sprint(width), ir.T(ir.Float, 1, 1, 4, width))
		if got := pool.CanNarrow(x); got != fits {
			t.Errorf("%d columns: fits is %v", width, got)
		}
	}
}
