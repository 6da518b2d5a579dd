package search_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/ort/program"
	"zos-ort/search"
)

// onCPU makes a program in bfloat16 run on the CPU, which has not all of its operators:
// they compute in float32 and are rounded once, which is what those of a GPU do. All casts of the
// program stay.
func onCPU(t *testing.T, p *graphgen.Program) *graphgen.Program {
	t.Helper()
	wide := func(v *ir.Value) *ir.Value { return op.Cast{To: ir.Float}.Of(v) }
	p.Graph.Share = false
	p.Graph.Rewrite(func(n *ir.Node) []*ir.Value {
		if n.Out[0] == nil || n.Out[0].DType != ir.BFloat16 {
			return nil
		}
		switch o := n.Op.(type) {
		case op.MatMul:
			return []*ir.Value{op.Cast{To: ir.BFloat16}.Of(o.Of(wide(n.In[0]), wide(n.In[1])))}
		case op.Expand:
			return []*ir.Value{op.Cast{To: ir.BFloat16}.Of(p.Graph.Add1(o, wide(n.In[0]), n.In[1]))}
		case op.Relu:
			return []*ir.Value{op.Cast{To: ir.BFloat16}.Of(o.Of(wide(n.In[0])))}
		}
		return nil
	})
	p.Graph.Trim()
	m, err := onnx.Model(p.Graph, onnx.Options{})
	if err == nil {
		p.Model, err = onnx.Bytes(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// emitted are the programs of a search for CUDA, in float32 or in bfloat16, for the CPU.
func emitted(t *testing.T, c search.Config, narrow bool) search.Programs {
	t.Helper()
	s := c.Spec(8)
	if s.Target = pass.CUDA; narrow {
		s.Target = pass.CUDABFloat16
	}
	p, err := search.Emit(s)
	if err != nil {
		t.Fatal(err)
	}
	if narrow {
		p.Weight, p.Alpha, p.Eval = onCPU(t, p.Weight), onCPU(t, p.Alpha), onCPU(t, p.Eval)
	}
	return p
}

// ONNX Runtime computes the programs in bfloat16 as the evaluator does: it drops no cast. Without
// batch statistics the two agree to float32; with them some numbers come to lie on the other side of
// the middle between two of bfloat16, and ReLUs open that were closed: gradients differ, by less than
// half of what bfloat16 changes at all.
func TestBFloat16InTheRuntime(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	c.Net.Channels, c.Net.Partial, c.Batch, c.Lowering.Recompute = 8, 4, 32, pass.RecomputeOn
	plain, narrow := emitted(t, c, false), emitted(t, c, true)
	net, err := program.NewNet(narrow.Shape(), program.Vectors{}, c.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	for _, p := range [][2]*graphgen.Program{{narrow.Weight, plain.Weight}, {narrow.Alpha, plain.Alpha},
		{narrow.Eval, plain.Eval}} {
		// Weights that stay as they are whatever a seed means: with others a number may come to lie on the
		// other side of the middle in an evaluation too.
		in := filled(p[0], p[0].Weights.Initialize(rand.New(rand.NewPCG(c.Seed, 1))))
		got, want, old := ran(t, net, p[0], in), evaluated(t, p[0], in), evaluated(t, p[1], in)
		for name := range want {
			here, rounding := distance(got[name], want[name]), distance(old[name], want[name])
			limit := rounding / 2
			if name == "logits" {
				limit = rounding / 1000
			}
			if !(here < limit) {
				t.Errorf("%s: %s is off by %v; bfloat16 changes it by %v", p[0].Name, name, here, rounding)
			}
		}
	}
}

// filled are values for the inputs of a program.
func filled(p *graphgen.Program, weights []float32) map[string]*eval.Tensor {
	in := map[string]*eval.Tensor{}
	for i, port := range p.Signature.Inputs {
		n := port.Type.Elements()
		v := &eval.Tensor{Shape: port.Type.Shape}
		switch port.Role {
		case graphgen.Reset:
			v.B = make([]bool, n)
		case graphgen.Label:
			for j := range n {
				v.I = append(v.I, int64(j%10))
			}
		case graphgen.Param:
			v.F = floats(weights)
		case graphgen.Momentum, graphgen.Mean:
			v.F = make([]float64, n)
		case graphgen.Variance:
			v.F = floats(slices.Repeat([]float32{1}, n))
		default: // as float32 holds them
			for j := range n {
				v.F = append(v.F, float64(float32(.5+.4*math.Sin(float64(j*j+i)))))
			}
		}
		in[port.Name] = v
	}
	return in
}

// watched are the outputs that say what a program computed; of the state it is the momentum.
var watched = []string{"logits", "grad/mix/normal", "grad/edge/reduce"}

// ran runs a program once in the runtime, on the state that the inputs tell.
func ran(t *testing.T, net *program.Net, p *graphgen.Program,
	in map[string]*eval.Tensor) map[string][]float64 {
	t.Helper()
	r, err := net.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	v := program.Vectors{Weights: singles(in["weights"].F)}.Complete(net.Shape)
	if err := net.Set(v); err != nil {
		t.Fatal(err)
	}
	for name, x := range in {
		if to := r.Port(name); to != nil && x.I != nil {
			copy(to.Int64(), x.I)
		} else if to != nil {
			copy(to.Float32(), singles(x.F))
		}
	}
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	if v, err = net.Vectors(); err != nil {
		t.Fatal(err)
	}
	out := map[string][]float64{"momentum": floats(v.Momentum)}
	for _, name := range watched {
		if x := r.Port(name); x != nil {
			out[name] = floats(x.Float32())
		}
	}
	return out
}

// evaluated computes the same in float64.
func evaluated(t *testing.T, p *graphgen.Program, in map[string]*eval.Tensor) map[string][]float64 {
	t.Helper()
	state := map[string]*eval.Tensor{}
	for name, x := range in {
		state[name] = x.Clone()
	}
	all, err := eval.Run(p.Graph, state)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]float64{}
	for _, name := range watched {
		if x := all[name]; x != nil {
			out[name] = x.F
		}
	}
	if m := state["momentum"]; m != nil {
		out["momentum"] = m.F
	}
	return out
}

func singles(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func floats(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// distance is |got - want| / |want|.
func distance(got, want []float64) float64 {
	var d, w float64
	for i := range want {
		d, w = d+(got[i]-want[i])*(got[i]-want[i]), w+want[i]*want[i]
	}
	return math.Sqrt(d / w)
}

// A network learns in bfloat16 as it does in float32: from the same weights, on the same images again
// and again, the losses stay together.
func TestBFloat16Learns(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	learn := func(narrow bool) (losses []float64) {
		p := emitted(t, c, narrow)
		weights := c.InitialWeights(p.Weight.Weights)
		p.Alpha, p.Eval = nil, nil
		s, err := search.Open(p, program.Vectors{Weights: weights}, c.InitialAlphas(), c.Options)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		in := filled(p.Weight, nil)
		for range 10 {
			o, err := s.WeightStep(singles(in["images"].F), in["labels"].I, .01)
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, o.Loss)
		}
		return losses
	}
	plain, narrow := learn(false), learn(true)
	for i := range plain {
		if math.Abs(narrow[i]-plain[i]) > .05*plain[0] || plain[9] > plain[0]/2 {
			t.Errorf("losses %v, in bfloat16 %v", plain, narrow)
			break
		}
	}
}
