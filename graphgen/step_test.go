package graphgen_test

import (
	"math"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// decay and friction are the constants as the graph holds them, in float32.
var (
	decay    = float64(float32(graphgen.PaperSGD.WeightDecay))
	friction = float64(float32(graphgen.PaperSGD.Momentum))
)

// stepWith is the weight step of the tiny net with a clip.
func stepWith(t *testing.T, clip float64) *graphgen.Program {
	t.Helper()
	s := tinySpec()
	s.SGD.Clip = clip
	return programs(t, s)["weight_step"]
}

// With zero momentum before the step, the momentum afterwards is the gradient plus the weight
// decay.
func TestWeightStepFollowsTheGradient(t *testing.T) {
	p := stepWith(t, 1e6)
	in := inputs(p, 7)
	grad := slopes(t, p, in, "weights")
	out, state := run(t, p, in)
	w := in["weights"].F
	wantMomentum, wantWeights := make([]float64, len(w)), make([]float64, len(w))
	square := 0.0
	for i, g := range grad {
		wantMomentum[i] = g + decay*w[i]
		wantWeights[i] = w[i] - .1*wantMomentum[i]
		square += g * g
	}
	check.Close(t, "momentum", state["momentum"].F, wantMomentum, 1e-7, 0)
	check.Close(t, "weights", state["weights"].F, wantWeights, 1e-8, 0)
	check.Close(t, "norm", out["norm"].F, []float64{math.Sqrt(square)}, 1e-7, 0)
}

func TestWeightStepClipsAndKeepsMomentum(t *testing.T) {
	free, clipped := stepWith(t, 1e6), stepWith(t, .01)
	in := inputs(free, 8)
	out, state := run(t, free, in)
	norm, w := out["norm"].F[0], in["weights"].F
	if norm < .1 {
		t.Fatalf("norm %v is too small to clip", norm)
	}
	grad := make([]float64, len(w))
	for i, m := range state["momentum"].F {
		grad[i] = m - decay*w[i]
		in["momentum"].F[i] = math.Sin(float64(i))
	}
	want := make([]float64, len(w))
	for i, g := range grad {
		want[i] = friction*math.Sin(float64(i)) + g*.01/(norm+1e-6) + decay*w[i]
	}
	out, state = run(t, clipped, in)
	// The constants .01 and 1e-6 are float32 in the graph.
	check.Close(t, "momentum", state["momentum"].F, want, 1e-9, 0)
	check.Close(t, "norm before clipping", out["norm"].F, []float64{norm}, 1e-12, 0)
}

func TestAlphaStepFollowsTheGradient(t *testing.T) {
	p := programs(t, tinySpec())["alpha_step"]
	in := inputs(p, 9)
	out, state := run(t, p, in)
	check.Close(t, "gradient", out["grad/mix/normal"].F, slopes(t, p, in, "mix/normal"), 1e-7, 0)
	check.Close(t, "weights", state["weights"].F, in["weights"].F, 0, 0)
}

// A mixing weight that nothing reads has a zero gradient, not none.
func TestUnusedMixHasZeroGradient(t *testing.T) {
	s := tinySpec()
	s.Forward = func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		n.MixWeights(graphgen.Mix{Of: graphgen.MixedOperations, Cell: "reduce"}, 3)
		return tiny(n, images)
	}
	p := programs(t, s)["alpha_step"]
	out, _ := run(t, p, inputs(p, 1))
	check.Close(t, "gradient", out["grad/mix/reduce"].F, make([]float64, 3), 0, 0)
}

// normed is a net that normalises the images themselves, whose statistics are known.
func normed(n *graphgen.Net, images *ir.Value) graphgen.Scores {
	var x *ir.Value
	n.G.In("stem", func() { x = n.BatchNorm(images, n.Weight("scale", 0, 1, 3), n.Zeros(3)) })
	return graphgen.Scores{Logits: op.Flatten{}.Of(op.GlobalAveragePool{}.Of(op.Relu{}.Of(x)))}
}

// The running variance moves a tenth towards the unbiased variance of the batch, the running mean a
// tenth towards its mean.
func TestRunningStatistics(t *testing.T) {
	s := tinySpec()
	s.Forward = normed
	for name, p := range programs(t, s) {
		in := inputs(p, 3)
		_, state := run(t, p, in)
		means, variances := in["running_mean"].F, in["running_variance"].F
		if name == "weight_step" || name == "alpha_step" {
			means, variances = expected(in["images"].F, means, variances)
		}
		check.Close(t, name+" means", state["running_mean"].F, means, 1e-7, 0)
		check.Close(t, name+" variances", state["running_variance"].F, variances, 1e-7, 0)
	}
}

// expected returns the running statistics after images [2,3,4,4], as PyTorch computes them.
func expected(images, means, variances []float64) (m, v []float64) {
	const pixels, n = 16, 32
	for c := range 3 {
		var sum, square float64
		at := func(k int) float64 { return images[(k/pixels*3+c)*pixels+k%pixels] }
		for k := range n {
			sum += at(k)
		}
		for k := range n {
			square += (at(k) - sum/n) * (at(k) - sum/n)
		}
		m = append(m, .9*means[c]+.1*sum/n)
		v = append(v, .9*variances[c]+.1*square/(n-1))
	}
	return m, v
}

// The eval program uses the running statistics, the rank program those of the batch.
func TestWhichStatisticsCount(t *testing.T) {
	list := programs(t, tinySpec())
	for name, reads := range map[string]bool{"eval": true, "rank": false} {
		in := inputs(list[name], 5)
		before, _ := run(t, list[name], in)
		in["running_mean"].F[0]++
		in["running_variance"].F[5]++
		after, _ := run(t, list[name], in)
		if changed := before["logits"].F[0] != after["logits"].F[0]; changed != reads {
			t.Errorf("%s: logits depend on the running statistics: %v, want %v", name, changed, reads)
		}
	}
}

// A program contains only gradients that lead to the requested ones.
func TestOnlyNeededGradients(t *testing.T) {
	list := programs(t, tinySpec())
	images := func(v *ir.Value) bool { return v.IsInput() && v.Name == "images" }
	count := 0
	for _, n := range list["weight_step"].Graph.Nodes {
		if _, ok := n.Op.(op.ConvGrad); ok {
			if count++; images(n.In[1]) && n.Out[0] != nil {
				t.Error("weight step: gradient of the images")
			}
			if n.Out[1] == nil {
				t.Errorf("weight step: %s has no weight gradient", n.Scope)
			}
		}
	}
	if count != 2 {
		t.Errorf("weight step: %d convolution gradients, want 2", count)
	}
	for _, n := range list["alpha_step"].Graph.Nodes {
		// Both mixing weights come after the last convolution.
		if _, ok := n.Op.(op.ConvGrad); ok {
			t.Errorf("alpha step: convolution gradient at %s", n.Scope)
		}
	}
}
