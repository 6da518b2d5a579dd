package network_test

import (
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/pass"
	"zos-ort/models/network"
	"zos-ort/models/space"
)

// small is a published network with few channels.
func small(t *testing.T, name string, cells int) network.Config {
	return network.Config{Genotype: check.Must(space.Named(name))(t), Channels: 4, Cells: cells, Classes: 5}
}

func spec(c network.Config, batch, image int) graphgen.Spec {
	return graphgen.Spec{Forward: c.Forward(), Batch: batch, Image: image, Classes: c.Classes,
		SGD: graphgen.PaperSGD, AuxiliaryWeight: .4,
		Lowering: pass.Lowering{Passes: pass.Share}}
}

// noise is n numbers that float32 holds, with a spread around a mean.
func noise(seed uint64, n int, mean, spread float64) ([]float64, []float32) {
	rng := rand.New(rand.NewPCG(seed, 1))
	x, y := make([]float64, n), make([]float32, n)
	for i := range x {
		y[i] = float32(mean + spread*(2*rng.Float64()-1))
		x[i] = float64(y[i])
	}
	return x, y
}

// weights are random contents for the state of a program: the flat vectors and the same as tensors.
func weights(p *graphgen.Program) (map[string]*eval.Tensor, graphgen.Tensors) {
	w, w32 := noise(1, p.Weights.Len(), 0, .5)
	m, m32 := noise(2, p.Stats.Len(), 0, .5)
	v, v32 := noise(3, p.Stats.Len(), 1, .5)
	return map[string]*eval.Tensor{"weights": eval.Floats(w, len(w)),
		"running_mean": eval.Floats(m, len(m)), "running_variance": eval.Floats(v, len(v)),
		"lazy_reset_grad": eval.Bools([]bool{false}, 1)}, p.Tensors(w32, m32, v32)
}

// tensor is a float tensor of noise.
func tensor(seed uint64, shape ...int) *eval.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	x, _ := noise(seed, n, 0, 1)
	return eval.Floats(x, shape...)
}
