package conformance

import (
	"math"
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/port"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
)

// evaluatedGradient is the gradient of the architecture parameters at the start of a case, computed by the
// float64 evaluator, with the weights moved by relative noise.
func evaluatedGradient(t *testing.T, c oracleCase, spec graphgen.Spec, noise float64, seed uint64) *space.Alphas {
	t.Helper()
	p := check.Must(spec.AlphaStep())(t)
	alphas := oracleAlphas(t, c)
	in := map[string]*eval.Tensor{port.Images: tensor64(c.images(201000), c.Batch, 3, c.Image, c.Image),
		port.Labels: eval.Ints(c.labels(301000), c.Batch), port.Reset: eval.Bools([]bool{true}, 1)}
	w := tensor64(oracleWeights(p.Weights), p.Weights.Len())
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range w.F {
		w.F[i] *= 1 + noise*rng.NormFloat64()
	}
	in[port.Weights] = w
	if n := p.Stats.Len(); n > 0 {
		in[port.RunningMean] = eval.Floats(make([]float64, n), n)
		in[port.RunningVariance] = eval.Floats(make([]float64, n), n)
	}
	for _, ct := range space.DARTS.CellTypes() {
		var live []float64
		weights := alphas.MixWeights(nil, ct)
		for i, cand := range alphas.Mask().Candidates(ct) {
			if cand.Op != space.None {
				live = append(live, weights[i])
			}
		}
		in[supernet.OperationMix(ct).Input()] = eval.Floats(live, len(live))
		if edges := alphas.EdgeWeights(nil, ct); edges != nil {
			in[supernet.EdgeMix(ct).Input()] = eval.Floats(edges, len(edges))
		}
	}
	given := map[string]*eval.Tensor{}
	for _, v := range p.Graph.Inputs {
		if given[v.Name] = in[v.Name]; in[v.Name] == nil {
			t.Fatalf("no value for the input %s", v.Name)
		}
	}
	out := check.Must(eval.Run(p.Graph, given))(t)
	grad := alphas.Like()
	for _, ct := range space.DARTS.CellTypes() {
		d := make([]float64, len(alphas.Flat(ct)))
		if g := out[port.Gradient(supernet.OperationMix(ct).Input())]; g != nil {
			j := 0
			for i, cand := range alphas.Mask().Candidates(ct) {
				if cand.Op != space.None {
					d[i] = g.F[j]
					j++
				}
			}
			check.Must(0, alphas.MixBackward(grad, ct, d))(t)
		}
		if g := out[port.Gradient(supernet.EdgeMix(ct).Input())]; g != nil {
			check.Must(0, alphas.EdgeBackward(grad, ct, g.F))(t)
		}
	}
	if c.BetaLambda > 0 {
		check.Must(alphas.AddBetaRegularizer(grad, c.BetaLambda))(t)
	}
	return grad
}

func tensor64(x []float32, shape ...int) *eval.Tensor {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return eval.Floats(y, shape...)
}

// A gradient jumps where a ReLU input or the two largest numbers of a pooling window lie within rounding of
// each other. The first alpha gradient of darts_masked_wide has such a place: the float64 evaluator agrees
// with the oracle to 6e-8, and weights moved by 1e-7 of their size, about float32's rounding, move two of its
// entries by 2.2e-4, which is how far a float32 program may be off.
const (
	kinkNoise = 1e-7
	kinkTries = 8
	exact     = 1e-6 // float64 against float64
)

// jumps is how far each entry of the first alpha gradient moves when the weights move by float32's rounding.
// The graph itself must give the oracle's gradient.
func jumps(t *testing.T, c oracleCase, want searchExpected) *space.Alphas {
	t.Helper()
	spec := c.supernet(t).Spec(c.Batch, c.Image, pass.Lowering{Passes: pass.None})
	base := evaluatedGradient(t, c, spec, 0, 0)
	compareAlphas(t, "alpha gradient in float64", base, want.AlphaGrad, want.BetaGrad, exact, nil)
	far := base.Like()
	for seed := range uint64(kinkTries) {
		for i, x := range evaluatedGradient(t, c, spec, kinkNoise, seed+1).Vector() {
			far.Vector()[i] = max(far.Vector()[i], math.Abs(x-base.Vector()[i]))
		}
	}
	return far
}
