package graphgen_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
)

// small is a supernet of three cells with about a third of the operations.
func small(partial int) graphgen.Spec {
	mask, _ := space.DARTS.RandomMask(rand.New(rand.NewPCG(5, 6)), .35)
	net := supernet.Config{Channels: 2 * partial, Cells: 3, Classes: 3, Mask: mask, Partial: partial,
		Passes: pass.All}
	return graphgen.Spec{Forward: net.Forward(), Batch: 2, Image: 8, Classes: 3,
		SGD: graphgen.PaperSGD, Lowering: pass.Lowering{Passes: pass.Share}}
}

// Fusing units or sums shrinks a supernet's programs, and no fusion changes what they compute.
func TestFusions(t *testing.T) {
	for _, partial := range []int{1, 2} {
		s := small(partial)
		plain := programs(t, s)
		s.Target = pass.CPUKernels
		all := programs(t, s)
		for _, off := range []pass.Fusions{{}, {Units: true}, {Pools: true}, {Sums: true},
			{Units: true, Pools: true, Sums: true}} {
			s.Unfused = off
			for name, p := range programs(t, s) {
				what := fmt.Sprintf("partial %d, %s without %+v", partial, name, off)
				nodes, fused := len(p.Graph.Nodes), len(all[name].Graph.Nodes)
				if (off.Sums || off.Units && name != "eval") && nodes <= fused {
					t.Errorf("%s has %d nodes, with it %d", what, nodes, fused)
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

// The fusions find all the units, pools and sums of a cell. ONNX Runtime keeps only the stem, the
// factorised reductions that are not one convolution, and the head.
func TestFusionsFindAll(t *testing.T) {
	s := small(1)
	s.Target = pass.CPUKernels
	for name, p := range programs(t, s) {
		units, others := 0, 0
		for _, n := range p.Graph.Nodes {
			switch o := n.Op.(type) {
			case op.ReluConvNorm:
				units++
			case op.Conv:
				if o.Kernel != 1 || o.Stride != 2 {
					others++
				}
			case op.MaxPool, op.AveragePool, op.BatchNormTraining:
				t.Errorf("%s: %T is left at %s", name, o, n.Scope)
			}
		}
		if name != "eval" && (units == 0 || others != 1) {
			t.Errorf("%s: %d units, %d convolutions besides those of reductions", name, units, others)
		}
	}
}
