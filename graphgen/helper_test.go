package graphgen_test

import (
	"maps"
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
)

// tiny is a network with one of everything that a step has to handle: an affine batch norm, a
// depthwise convolution, a batch norm scaled by a mixing weight, a mixed pool and a classifier.
func tiny(n *graphgen.Net, images *ir.Value) graphgen.Scores {
	normal := graphgen.Mix{Of: graphgen.MixedOperations, Cell: "normal"}
	mix := op.Split{}.Of(n.MixWeights(normal, 2), 0, 1, 1)
	const c = 4
	x := images
	n.G.In("stem", func() {
		w := n.Weight("weight", 27, 0, c, 3, 3, 3)
		x = op.Conv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Group: 1}.Of(x, w)
		x = n.BatchNorm(x, n.Weight("scale", 0, 1, c), n.Weight("bias", 0, 0, c))
	})
	var y *ir.Value
	n.G.In("depthwise", func() {
		w := n.Weight("weight", 9, 0, c, 1, 3, 3)
		y = op.Conv{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1, Group: c}.Of(op.Relu{}.Of(x), w)
		y = n.BatchNorm(y, op.Expand{}.To(mix[0], c), n.Zeros(c))
	})
	pool := op.MaxPool{Kernel: 3, Stride: 2, Pad: 1}.Of(x)
	y = op.Add{}.Of(y, op.Mul{}.Of(pool, mix[1]))
	var out *ir.Value
	n.G.In("classifier", func() {
		z := op.Flatten{}.Of(op.GlobalAveragePool{}.Of(y))
		out = op.Gemm{TransB: true}.Of(z, n.Weight("weight", c, 0, 3, c), n.Weight("bias", c, 0, 3))
	})
	return graphgen.Scores{Logits: out}
}

func tinySpec() graphgen.Spec {
	return graphgen.Spec{Forward: tiny, Batch: 2, Image: 4, Classes: 3, SGD: graphgen.PaperSGD,
		Lowering: pass.Lowering{Passes: pass.Share}}
}

// programs returns the four programs of a network by name.
func programs(t *testing.T, s graphgen.Spec) map[string]*graphgen.Program {
	t.Helper()
	list := map[string]*graphgen.Program{}
	for _, emit := range []func() (*graphgen.Program, error){s.WeightStep, s.AlphaStep, s.Evaluate,
		s.Rank} {
		p, err := emit()
		if err != nil {
			t.Fatal(err)
		}
		list[p.Name] = p
	}
	return list
}

// inputs returns random values for every input of a program. The labels are 0, 1, 2, 0, ..., the
// momentum is zero and the variances are between 1 and 2.
func inputs(p *graphgen.Program, seed uint64) map[string]*eval.Tensor {
	in := map[string]*eval.Tensor{}
	for i, port := range p.Signature.Inputs {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		v := &eval.Tensor{Shape: port.Type.Shape}
		n := port.Type.Elements()
		switch port.Role {
		case graphgen.Reset:
			v.B = make([]bool, n)
		case graphgen.Label:
			for j := range n {
				v.I = append(v.I, int64(j%3))
			}
		case graphgen.Momentum:
			v.F = make([]float64, n)
		case graphgen.Rate:
			v.F = []float64{.1}
		case graphgen.Variance:
			for range n {
				v.F = append(v.F, 1+rng.Float64())
			}
		default:
			for range n {
				v.F = append(v.F, .5*rng.NormFloat64())
			}
		}
		in[port.Name] = v
	}
	return in
}

// run evaluates a program on copies of the inputs; state returns the copies after the run.
func run(t *testing.T, p *graphgen.Program, in map[string]*eval.Tensor) (out,
	state map[string]*eval.Tensor) {
	t.Helper()
	state = maps.Clone(in)
	for name, v := range state {
		state[name] = v.Clone()
	}
	out, err := eval.Run(p.Graph, state)
	if err != nil {
		t.Fatal(err)
	}
	return out, state
}

// slopes returns the central differences of the loss in every element of an input.
func slopes(t *testing.T, p *graphgen.Program, in map[string]*eval.Tensor, name string) []float64 {
	t.Helper()
	const h = 1e-6
	x := in[name].F
	d := make([]float64, len(x))
	for i, old := range x {
		x[i] = old + h
		up, _ := run(t, p, in)
		x[i] = old - h
		down, _ := run(t, p, in)
		x[i] = old
		d[i] = (up["loss"].F[0] - down["loss"].F[0]) / (2 * h)
	}
	return d
}
