package supernet_test

import (
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
)

// noPasses is the network as the papers write it.
const noPasses = pass.None

// small is a search network that float64 can run: all channels, or a quarter of them.
func small(mask space.Mask, partial int, passes pass.Set) supernet.Config {
	return supernet.Config{Channels: 4 * (1 + partial/4), Cells: 3, Classes: 3, Mask: mask,
		Partial: partial, Passes: passes}
}

func spec(c supernet.Config, batch, image int) graphgen.Spec {
	s := graphgen.Spec{Forward: c.Forward(), Batch: batch, Image: image, Classes: c.Classes,
		SGD: graphgen.SGD{Clip: 1e9}}
	if c.Passes == pass.All {
		s.Passes = pass.All
	}
	return s
}

// randomMask keeps about half of the operations.
func randomMask(seed uint64) space.Mask {
	m, _ := space.DARTS.RandomMask(rand.New(rand.NewPCG(seed, 1)), .5)
	return m
}

// hash gives a name a generator of its own, so that the value does not depend on the layout.
func hash(name string) *rand.Rand {
	h := uint64(1469598103934665603)
	for _, b := range []byte(name) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(h, 2))
}

// run evaluates a program in float64.
func run(t *testing.T, p *graphgen.Program) (out, state map[string]*eval.Tensor) {
	t.Helper()
	state = values(p)
	return check.Must(eval.Run(p.Graph, state))(t), state
}

// values are the inputs of a program. Every weight and input depends on its name alone.
func values(p *graphgen.Program) map[string]*eval.Tensor {
	state := map[string]*eval.Tensor{}
	for _, port := range p.Signature.Inputs {
		v := &eval.Tensor{Shape: port.Type.Shape}
		n, rng := port.Type.Elements(), hash(port.Name)
		switch port.Role {
		case graphgen.Reset:
			v.B = make([]bool, n)
		case graphgen.Label:
			v.I = make([]int64, n)
		case graphgen.Param:
			v.F = make([]float64, n)
			for _, e := range p.Weights {
				rng := hash(e.Name)
				for i := range e.Len() {
					v.F[e.Offset+i] = .5 * rng.NormFloat64()
				}
			}
		case graphgen.Momentum, graphgen.Mean:
			v.F = make([]float64, n)
		default: // images, rate, mixing weights, variances
			for range n {
				v.F = append(v.F, .5+rng.Float64())
			}
		}
		state[port.Name] = v
	}
	return state
}

// gradients are the gradients of all weights by name: the momentum after the first step.
func gradients(p *graphgen.Program, state map[string]*eval.Tensor) map[string][]float64 {
	m := map[string][]float64{}
	for _, e := range p.Weights {
		m[e.Name] = state["momentum"].F[e.Offset : e.Offset+e.Len()]
	}
	return m
}
