package graphgen_test

import (
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
)

// pooledTwice applies the tiny network to images that went through two average pools. The pools are
// differentiated because an affine batch norm precedes them.
func pooledTwice(n *graphgen.Net, images *ir.Value) graphgen.Scores {
	const c = 3
	x := images
	n.G.In("norm", func() {
		x = n.BatchNorm(x, n.Weight("scale", 0, 1, c), n.Weight("bias", 0, 0, c))
	})
	x = op.AveragePool{Kernel: 3, Stride: 1, Pad: 1}.Of(x)
	return tiny(n, op.AveragePool{Kernel: 3, Stride: 2, Pad: 1}.Of(x))
}

// CUDA programs compute the same outputs, gradients, weights and running statistics.
func TestCUDAComputesTheSame(t *testing.T) {
	s := tinySpec()
	s.Forward, s.Image = pooledTwice, 8
	plain := programs(t, s)
	s.Target = pass.CUDA
	for name, p := range programs(t, s) {
		for _, n := range p.Graph.Nodes {
			switch n.Op.(type) {
			case op.MaxPoolGrad, op.AveragePoolGrad:
				t.Errorf("%s: %T is left at %s", name, n.Op, n.Scope)
			}
		}
		in := inputs(plain[name], 4)
		out, state := run(t, p, in)
		want, wantState := run(t, plain[name], in)
		for port := range want {
			check.Close(t, name+" "+port, out[port].F, want[port].F, 1e-12, 0)
		}
		for port := range wantState {
			check.Close(t, name+" "+port, state[port].F, wantState[port].F, 1e-12, 1e-12)
		}
	}
}

func TestCUDANamesForbiddenOperators(t *testing.T) {
	s := tinySpec()
	p := programs(t, s)["weight_step"]
	check.Error(t, pass.CheckCUDA(p.Graph), "no kernel for MaxPoolGrad")

	g := ir.New("types")
	x := g.Input("x", ir.T(ir.Double, 1, 1, 4, 4))
	g.In("cell3/edge7", func() { op.Relu{}.Of(x) })
	check.Error(t, pass.CheckCUDA(g), "no kernel for Relu of double (cell3/edge7)")

	g = ir.New("host")
	x, flag := g.Input("x", ir.T(ir.Float, 2)), g.Input("flag", ir.T(ir.Bool, 1))
	op.Overwrite{}.Accumulate(x, x, flag)
	check.Error(t, pass.CheckCUDA(g), "input 2 of InPlaceAccumulatorV2 is read by the host")

	s.Forward = func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		n.G.In("head", func() { images = op.Softmax{}.Of(images) })
		return tiny(n, images)
	}
	s.Target = pass.CUDA
	_, err := s.Rank()
	check.Error(t, err, "rank: cuda: no kernel for Softmax (head)")
}
