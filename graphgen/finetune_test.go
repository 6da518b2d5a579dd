package graphgen_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
)

// pooled is a small network with both pools and two batch norms.
func pooled(n *graphgen.Net, images *ir.Value) graphgen.Scores {
	const c = 4
	x := images
	for i, pool := range []func(x *ir.Value) *ir.Value{op.MaxPool{Kernel: 3, Stride: 2, Pad: 1}.Of,
		op.AveragePool{Kernel: 3, Stride: 2, Pad: 1}.Of} {
		n.G.In([]string{"first", "second"}[i], func() {
			w := n.Weight("weight", 27, 0, c, x.Shape[1], 3, 3)
			x = op.Conv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Group: 1}.Of(x, w)
			x = pool(op.Relu{}.Of(n.BatchNorm(x, n.Weight("scale", 0, 1, c), n.Weight("bias", 0, 0, c))))
		})
	}
	var out *ir.Value
	n.G.In("classifier", func() {
		z := op.Flatten{}.Of(op.GlobalAveragePool{}.Of(x))
		out = op.Gemm{TransB: true}.Of(z, n.Weight("weight", c, 0, 3, c), n.Weight("bias", c, 0, 3))
	})
	return graphgen.Scores{Logits: out}
}

func fineTune(t *testing.T, batch int) *graphgen.FineTune {
	t.Helper()
	s := graphgen.Spec{Forward: pooled, Batch: batch, Image: 6, Classes: 3,
		Lowering: pass.Lowering{Passes: pass.Share}}
	return check.Must(s.FineTune())(t)
}

// tuneInputs makes random inputs of a graph; gradient buffers hold ones.
func tuneInputs(g *ir.Graph, reset bool) map[string]*eval.Tensor {
	p := &graphgen.Program{Graph: g}
	for _, v := range g.Inputs {
		role := graphgen.Image
		switch {
		case v.Name == "labels":
			role = graphgen.Label
		case v.Name == "lazy_reset_grad":
			role = graphgen.Reset
		case strings.HasSuffix(v.Name, "/variance"):
			role = graphgen.Variance
		}
		p.Signature.Inputs = append(p.Signature.Inputs,
			graphgen.Port{Name: v.Name, Role: role, Type: v.Type})
	}
	in := inputs(p, 1)
	for name, v := range in {
		if strings.HasSuffix(name, ".buffer") {
			for i := range v.F {
				v.F[i] = 1
			}
		}
	}
	if r := in["lazy_reset_grad"]; r != nil {
		r.B[0] = reset
	}
	return in
}

// Reset makes the buffers hold the gradients of the loss; otherwise they are added to the contents.
func TestFineTuneGradients(t *testing.T) {
	f := fineTune(t, 2)
	p := &graphgen.Program{Graph: f.Train}
	in := tuneInputs(f.Train, true)
	_, reset := run(t, p, in)
	_, added := run(t, p, tuneInputs(f.Train, false))
	for _, w := range f.Params {
		if !w.Trainable {
			continue
		}
		buffer := w.Name + "_grad.accumulation.buffer"
		for i, want := range slopes(t, p, in, w.Name) {
			got, sum := reset[buffer].F[i], added[buffer].F[i]
			if math.Abs(got-want) > 1e-6 || math.Abs(sum-got-1) > 1e-12 {
				t.Errorf("gradient %d of %s is %g, want %g; added to 1 it is %g", i, w.Name, got, want, sum)
			}
		}
	}
}

// A training step moves the running statistics a tenth of the way to those of the batch, with the
// biased variance, and leaves the weights alone. An evaluation changes nothing.
func TestFineTuneStatistics(t *testing.T) {
	f := fineTune(t, 3)
	in := tuneInputs(f.Train, true)
	_, state := run(t, &graphgen.Program{Graph: f.Train}, in)
	conv := check.Must(eval.Run(firstConv(), map[string]*eval.Tensor{"x": in["image"],
		"w": in["first/weight"]}))(t)["y"]
	const c, pixels = 4, 36
	for i := range c {
		var sum, squares, n float64
		for at, y := range conv.F {
			if at/pixels%c == i {
				sum, squares, n = sum+y, squares+y*y, n+1
			}
		}
		mean := sum / n
		for name, want := range map[string]float64{"first/bn/mean": mean,
			"first/bn/variance": squares/n - mean*mean} {
			got, old := state[name].F[i], in[name].F[i]
			if want = .9*old + .1*want; math.Abs(got-want) > 1e-6 {
				t.Errorf("%s[%d] is %g, want %g", name, i, got, want)
			}
		}
	}
	for _, w := range f.Params {
		if w.Trainable && !slices.Equal(state[w.Name].F, in[w.Name].F) {
			t.Errorf("the training graph changes %s", w.Name)
		}
	}
	in = tuneInputs(f.Eval, true)
	_, state = run(t, &graphgen.Program{Graph: f.Eval}, in)
	for name := range in {
		if !slices.Equal(state[name].F, in[name].F) {
			t.Errorf("the evaluation graph changes %s", name)
		}
	}
}

// firstConv is the first convolution of pooled on 3 images.
func firstConv() *ir.Graph {
	g := ir.New("conv")
	x, w := g.Input("x", ir.T(ir.Float, 3, 3, 6, 6)), g.Input("w", ir.T(ir.Float, 4, 3, 3, 3))
	g.Output("y", op.Conv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Group: 1}.Of(x, w))
	return g
}

// Both graphs take the same parameters in the same order, and no byte of the files depends on the
// batch with which they were built.
func TestFineTuneModels(t *testing.T) {
	two, five := fineTune(t, 2), fineTune(t, 5)
	var names []string
	for _, p := range two.Params {
		names = append(names, p.Name)
	}
	for _, g := range []*ir.Graph{two.Train, two.Eval} {
		var params []string
		for _, v := range g.Inputs[2:] {
			if !strings.Contains(v.Name, "grad") {
				params = append(params, v.Name)
			}
		}
		if !slices.Equal(params, names) {
			t.Errorf("%s has the parameters %v, want %v", g.Name, params, names)
		}
	}
	train, evaluation, err := two.Models(onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	train5, evaluation5, err := five.Models(onnx.Options{})
	if err != nil || !bytes.Equal(train, train5) || !bytes.Equal(evaluation, evaluation5) {
		t.Errorf("batches of 2 and of 5 give different files (%v)", err)
	}
	ports := strings.Join(onnx.Ports(check.Must(onnx.Parse(train))(t)), "\n")
	for _, want := range []string{"input float[N,3,6,6] image", "input int64[N] labels",
		"input float[4,3,3,3] \"first/weight\"",
		"input float[3] \"classifier/bias_grad.accumulation.buffer\"",
		"input bool[1] lazy_reset_grad", "output float loss", "output float[N,3] logits",
		"output bool[1] \"first/bn/mean_grad.accumulation.out\""} {
		if !strings.Contains(ports, want) {
			t.Errorf("the training model lacks %s:\n%s", want, ports)
		}
	}
}
