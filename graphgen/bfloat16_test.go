package graphgen_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
)

// both returns the CUDA programs of a spec, in float32 and in bfloat16.
func both(t *testing.T, s graphgen.Spec) (plain, narrow map[string]*graphgen.Program) {
	t.Helper()
	s.Target = pass.CUDA
	plain = programs(t, s)
	s.Target = pass.CUDABFloat16
	return plain, programs(t, s)
}

// distance is |got - want| / |want|.
func distance(got, want []float64) float64 {
	var d, w float64
	for i := range want {
		d, w = d+(got[i]-want[i])*(got[i]-want[i]), w+want[i]*want[i]
	}
	return math.Sqrt(d / w)
}

// results runs a program and returns its results that matter: floating-point outputs and new state.
func results(t *testing.T, p *graphgen.Program, in map[string]*eval.Tensor) map[string][]float64 {
	t.Helper()
	out, state := run(t, p, in)
	r := map[string][]float64{}
	for name, v := range out {
		if v.F != nil && name != "correct" {
			r[name] = v.F
		}
	}
	for _, name := range []string{"momentum", "running_mean", "running_variance", "weights"} {
		if state[name] != nil {
			r[name] = state[name].F
		}
	}
	return r
}

// One rounding to 8 significant bits moves a number by at most 2^-9 and by 2^-10 on average. The
// tiny network rounds three times in a row, on a path that gradients travel twice, and its batch
// norms divide errors along with the numbers. Losses and statistics are means and stay within one
// rounding step. Gradients stay within 2 percent, most of it from ReLUs that open or close.
func TestBFloat16ComputesTheSame(t *testing.T) {
	s := tinySpec()
	s.Batch, s.Image = 8, 16
	plain, narrow := both(t, s)
	for name, p := range narrow {
		in := inputs(plain[name], 4)
		got, want := results(t, p, in), results(t, plain[name], in)
		for what, x := range want {
			limit := 1. / 512
			if what == "momentum" || strings.HasPrefix(what, "grad") || what == "logits" {
				limit = .02
			}
			if d := distance(got[what], x); !(d <= limit) {
				t.Errorf("%s: %s is off by %v, limit %v", name, what, d, limit)
			}
		}
		for _, what := range []string{"loss", "logits"} {
			if x, ok := want[what]; ok && distance(got[what], x) == 0 {
				t.Errorf("%s: %s is the same to the bit: nothing was rounded", name, what)
			}
		}
	}
}

// In a supernet with random weights, gradients depend on many ReLUs: noise on the images alone, of
// the size of one rounding, moves gradients by 5 to 10 percent. Rounding everywhere must not do
// much worse.
func TestBFloat16IsLikeNoise(t *testing.T) {
	for _, partial := range []int{1, 2} {
		s := small(partial)
		s.Batch = 8
		plain, narrow := both(t, s)
		p := plain["weight_step"]
		in := inputs(p, 4)
		for i, x := range p.Weights.Initialize(rand.New(rand.NewPCG(3, 1))) {
			in["weights"].F[i] = float64(x)
		}
		want, got := results(t, p, in), results(t, narrow["weight_step"], in)
		rng := rand.New(rand.NewPCG(7, 1))
		for i := range in["images"].F {
			in["images"].F[i] *= 1 + (2*rng.Float64()-1)/256
		}
		noisy := distance(results(t, p, in)["momentum"], want["momentum"])
		if d := distance(got["momentum"], want["momentum"]); !(d < 3*noisy) || noisy > .2 {
			t.Errorf("partial %d: bfloat16 moves the gradient by %v, noise by %v", partial, d, noisy)
		}
		if d := distance(got["loss"], want["loss"]); !(d < 1./256) {
			t.Errorf("partial %d: the loss is off by %v", partial, d)
		}
	}
}

// exact counts the numbers that bfloat16 holds exactly.
func exact(x []float64) (n int) {
	for _, v := range x {
		_, exponent := math.Frexp(v)
		if step := math.Ldexp(1, exponent-8); math.Mod(v, step) == 0 {
			n++
		}
	}
	return n
}

// Weights, momenta, statistics, losses and gradients are not rounded: bfloat16 could hold hardly
// any of these numbers exactly.
func TestBFloat16KeepsWhatAddsUp(t *testing.T) {
	_, narrow := both(t, small(2))
	for _, name := range []string{"weight_step", "alpha_step"} {
		numbers := 0
		for what, x := range results(t, narrow[name], inputs(narrow[name], 4)) {
			x = slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return v == 0 })
			if exact(x) > 1+len(x)/20 {
				t.Errorf("%s: %d of %d numbers of %s are bfloat16", name, exact(x), len(x), what)
			}
			numbers += len(x)
		}
		if numbers < 100 {
			t.Errorf("%s: %d numbers prove little", name, numbers)
		}
	}
}

// bfloat16 stays where it belongs: no port has it, and after the loss only recomputed nodes produce
// it. Every NCHW tensor that the backward pass keeps from the forward pass is bfloat16, except
// weights.
func TestBFloat16Places(t *testing.T) {
	for _, s := range []graphgen.Spec{small(1), small(2), tinySpec()} {
		_, narrow := both(t, s)
		for name, p := range narrow {
			for _, port := range slices.Concat(p.Signature.Inputs, p.Signature.Outputs) {
				if port.Type.DType == ir.BFloat16 {
					t.Errorf("%s: port %s is %v", name, port.Name, port.Type)
				}
			}
			wantPlaces(t, name, p.Graph)
		}
	}
}

func wantPlaces(t *testing.T, name string, g *ir.Graph) {
	t.Helper()
	at, loss, count := map[*ir.Node]int{}, len(g.Nodes), 0
	for i, n := range g.Nodes {
		if at[n] = i; isLoss(n) {
			loss = i
		}
	}
	for i, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil && v.DType == ir.BFloat16 {
				count++
				if i > loss && !strings.HasSuffix(n.Scope, "/again") {
					t.Errorf("%s: %T computes bfloat16 behind the loss (%s)", name, n.Op, n.Scope)
				}
			}
		}
		for _, v := range n.In {
			if i > loss && v != nil && v.Def != nil && at[v.Def] < loss && v.Rank() == 4 &&
				v.DType == ir.Float && !isWeight(v) {
				t.Errorf("%s: %v of %T (%s) is kept for %T", name, v.Type, v.Def.Op, v.Def.Scope, n.Op)
			}
		}
	}
	if count == 0 {
		t.Errorf("%s: no bfloat16 at all", name)
	}
}

func isLoss(n *ir.Node) bool {
	_, ok := n.Op.(op.CrossEntropy)
	return ok
}

// isWeight reports whether v is cut out of an input: a weight, or drop-path factors.
func isWeight(v *ir.Value) bool {
	for v.Def != nil && (isReshape(v.Def) || isSplit(v.Def)) {
		v = v.Def.In[0]
	}
	return v.IsInput()
}

func isReshape(n *ir.Node) bool { _, ok := n.Op.(op.Reshape); return ok }
func isSplit(n *ir.Node) bool {
	switch n.Op.(type) {
	case op.Split, op.SliceVector:
		return true
	}
	return false
}

// Recomputation changes no bit of a bfloat16 program and leaves no unneeded node.
func TestBFloat16Recomputed(t *testing.T) {
	for _, partial := range []int{1, 2} {
		s := small(partial)
		_, narrow := both(t, s)
		s.Recompute = pass.RecomputeOn
		_, again := both(t, s)
		for name, p := range narrow {
			in := inputs(p, 4)
			got, want := results(t, again[name], in), results(t, p, in)
			for what := range want {
				check.Close(t, name+" "+what, got[what], want[what], 0, 0)
			}
			wantPlaces(t, name, again[name].Graph)
		}
	}
}
