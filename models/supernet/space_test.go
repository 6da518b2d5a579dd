package supernet_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/space/spacetest"
	"zos-ort/models/supernet"
)

// spaces are random ones, and those that come with the program.
func spaces(t *testing.T, n int) (list []*space.Space) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range n {
		list = append(list, check.Must(space.Parse(spacetest.Document(rng)))(t))
	}
	for _, name := range space.Shipped() {
		list = append(list, check.Must(space.Open(name))(t))
	}
	return list
}

// In every space the rewrites for every target change nothing, the programs have as many weights as the closed form says, and no masked
// operation is in a graph. The gradients of the mixing weights are slopes. In some spaces that are drawn the last node is
// zero or normalised by nothing, and nothing is learned; most must not be so.
func TestEverySpace(t *testing.T) {
	var learning atomic.Int32
	t.Cleanup(func() {
		if n := learning.Load(); n < 50 {
			t.Errorf("%d of 60 networks learn", n)
		}
	})
	for i, s := range spaces(t, 24) {
		t.Run(fmt.Sprint(i, s.Name()), func(t *testing.T) {
			t.Parallel()
			mask, _ := s.RandomMask(rand.New(rand.NewPCG(uint64(i), 1)), .6)
			for _, partial := range []int{1, 2} {
				c := supernet.Config{Channels: 4 * partial, Cells: 3, Classes: 3, Mask: mask, Partial: partial}
				plain, fast := c, c
				fast.Passes = pass.All
				a, b := spec(plain, 2, 8), spec(fast, 2, 8)
				b.Target = []pass.Target{pass.Portable, pass.CPUKernels, pass.CUDA}[i%3]
				step := check.Must(a.WeightStep())(t)
				if compareWeightSteps(t, step, check.Must(b.WeightStep())(t)) > 1e-3 {
					learning.Add(1)
				}
				alpha := check.Must(b.AlphaStep())(t)
				sameAlphaSteps(t, check.Must(a.AlphaStep())(t), alpha)
				slopes(t, "alphas", alpha, 1e-5) // a kink may lie between the points
				if n := space.SupernetParams(mask, c.Channels, c.Cells, c.Classes, partial); n != step.Weights.Len() {
					t.Errorf("%d weights, the closed form has %d", step.Weights.Len(), n)
				}
				unmasked(t, s, step, c)
			}
		})
	}
}

// sameAlphaSteps compares the gradients of the mixing weights. A mask may leave none.
func sameAlphaSteps(t *testing.T, plain, fast *graphgen.Program) {
	t.Helper()
	out, _ := run(t, plain)
	fastOut, _ := run(t, fast)
	for _, p := range plain.Signature.Outputs {
		if p.Role == graphgen.Gradient {
			check.Close(t, p.Name, fastOut[p.Name].F, out[p.Name].F, 1e-9, 1e-9)
		}
	}
}

// unmasked checks that no node stands at the place of an operation that the mask lacks.
func unmasked(t *testing.T, s *space.Space, p *graphgen.Program, c supernet.Config) {
	t.Helper()
	for i := range c.Cells {
		for e, set := range c.Mask.Sets(s.TypeAt(i, c.Cells)) {
			for _, op := range s.Operations() {
				place := fmt.Sprintf("cell%d/edge%d/%v", i, e, op)
				for _, n := range p.Graph.Nodes {
					if !set.Has(op) && (n.Scope == place || strings.HasPrefix(n.Scope, place+"/")) {
						t.Fatalf("%T of a masked operation at %s", n.Op, n.Scope)
					}
				}
			}
		}
	}
}
