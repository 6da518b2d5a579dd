package graphgen_test

import (
	"fmt"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/plan"
)

// sumOf is a network that adds n convolutions of the images, one after the other.
func sumOf(n int) graphgen.Forward {
	return func(net *graphgen.Net, images *ir.Value) graphgen.Scores {
		const c = 4
		var sum *ir.Value
		for i := range n {
			net.G.In(fmt.Sprintf("term%d", i), func() {
				w := net.Weight("weight", 3, 0, c, 3, 1, 1)
				y := op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 1}.Of(images, w)
				if sum == nil {
					sum = y
				} else {
					sum = op.Add{}.Of(sum, y)
				}
			})
		}
		return graphgen.Scores{Logits: op.Flatten{}.Of(op.GlobalAveragePool{}.Of(sum))}
	}
}

// The CPU's operators that can add do the same: units of which each adds the one before.
func TestOperatorsAddInTurn(t *testing.T) {
	image := ir.T(ir.Float, 2, 4, 16, 16).Bytes()
	for _, terms := range []int{4, 9} {
		forward := func(net *graphgen.Net, images *ir.Value) graphgen.Scores {
			x := op.ReluConvNorm{}.Of(images, net.Weight("stem", 3, 0, 4, 3, 1, 1), nil, nil, nil, nil)[0]
			var sum *ir.Value
			for i := range terms {
				first := op.ReluConvNorm{}.Of(x, net.Weight(fmt.Sprint("first", i), 4, 0, 4, 4, 1, 1), nil, nil, nil, nil)[0]
				sum = op.ReluConvNorm{}.Of(first, net.Weight(fmt.Sprint("second", i), 4, 0, 4, 4, 1, 1), nil, nil, nil, sum)[0]
			}
			return graphgen.Scores{Logits: op.Flatten{}.Of(op.GlobalAveragePool{}.Of(sum))}
		}
		s := graphgen.Spec{Forward: forward, Batch: 2, Image: 16, Classes: 4}
		s.Target = pass.CPUKernels
		if in := plan.Of(programs(t, s)["rank"].Graph).Peak / image; in != 3 {
			t.Errorf("%d terms: %d images at a time, want 3", terms, in)
		}
	}
}

// A CUDA program adds each term as it is computed, so the live bytes do not depend on the number of
// terms. In the order in which the sum was built, ONNX Runtime would keep all terms.
func TestSumsInTurn(t *testing.T) {
	image := ir.T(ir.Float, 2, 4, 16, 16).Bytes()
	peak := func(terms int, cuda bool) int {
		s := graphgen.Spec{Forward: sumOf(terms), Batch: 2, Image: 16, Classes: 4}
		if cuda {
			s.Target = pass.CUDA
		}
		return plan.Of(programs(t, s)["rank"].Graph).Peak / image
	}
	for _, terms := range []int{4, 9} {
		if in, all := peak(terms, true), peak(terms, false); in != 3 || all != terms+1 {
			t.Errorf("%d terms: %d images at a time, as built %d; want 3 and %d", terms, in, all, terms+1)
		}
	}
}
