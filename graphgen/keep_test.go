package graphgen_test

import (
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
)

// freezing is the spec of the tiny net with steps that can leave weights as they are.
func freezing() graphgen.Spec {
	s := tinySpec()
	s.SGD.Clip = 1e6
	s.Freeze = true
	return s
}

// Weights that are kept stay, also under momentum and weight decay, and their gradients do not count for the
// norm; the others move as if they were alone.
func TestWeightStepKeepsWeights(t *testing.T) {
	p := programs(t, freezing())["weight_step"]
	in := inputs(p, 7)
	w, keep, momentum := in["weights"].F, in["keep"].F, in["momentum"].F
	grad := slopes(t, p, in, "weights")
	want, square := make([]float64, len(w)), 0.
	for i, g := range grad {
		keep[i], momentum[i] = float64(i%2), .25
		square += keep[i] * g * g
		want[i] = w[i] - .1*keep[i]*(friction*.25+g+decay*w[i])
	}
	out, state := run(t, p, in)
	check.Close(t, "weights", state["weights"].F, want, 1e-8, 0)
	check.Close(t, "gradient", out["grad/weights"].F, grad, 1e-7, 0)
	check.Close(t, "squared norm", []float64{out["norm"].F[0] * out["norm"].F[0]}, []float64{square}, 1e-7, 0)
}

// The alpha step gives the gradients of the weights and of the mixing weights of one loss.
func TestAlphaStepWithWeightGradient(t *testing.T) {
	p := programs(t, freezing())["alpha_step"]
	in := inputs(p, 9)
	out, _ := run(t, p, in)
	check.Close(t, "gradient of the weights", out["grad/weights"].F, slopes(t, p, in, "weights"), 1e-7, 0)
	check.Close(t, "gradient of the mix", out["grad/mix/normal"].F, slopes(t, p, in, "mix/normal"), 1e-7, 0)
}
