package graphgen_test

import (
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
)

// Programs with our own kernels compute the same, and all their depthwise convolutions are ours.
func TestKernelsComputeTheSame(t *testing.T) {
	s := tinySpec()
	plain := programs(t, s)
	s.Target = pass.CPUKernels
	for name, p := range programs(t, s) {
		own := 0
		for _, n := range p.Graph.Nodes {
			switch o := n.Op.(type) {
			case op.Conv:
				if o.Group > 1 {
					t.Errorf("%s: a depthwise convolution is left at %s", name, n.Scope)
				}
			case op.DepthwiseConv, op.DepthwiseGradWeight:
				own++
			case op.DepthwiseGradInput:
				if name != "weight_step" {
					t.Errorf("%s: a gradient that nobody needs at %s", name, n.Scope)
				}
				own++
			}
		}
		if want := map[string]int{"weight_step": 3}[name]; own != max(want, 1) {
			t.Errorf("%s: %d of our own operators, want %d", name, own, max(want, 1))
		}
		in := inputs(plain[name], 4)
		out, state := run(t, p, in)
		want, wantState := run(t, plain[name], in)
		for port := range want {
			check.Close(t, name+" "+port, out[port].F, want[port].F, 1e-12, 0)
		}
		for port := range wantState {
			check.Close(t, name+" "+port, state[port].F, wantState[port].F, 1e-12, 0)
		}
	}
}
