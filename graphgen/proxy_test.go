package graphgen_test

import (
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
)

// central is the slope of f in every element of x.
func central(x []float64, f func() float64) []float64 {
	const h = 1e-5
	slopes := make([]float64, len(x))
	for i, at := range x {
		x[i] = at + h
		up := f()
		x[i] = at - h
		slopes[i] = (up - f()) / (2 * h)
		x[i] = at
	}
	return slopes
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

// The gradients that proxies use are the slopes of the loss and of the sum of the logits.
func TestProxyGradients(t *testing.T) {
	for _, x := range []struct {
		emit    func(graphgen.Spec) (*graphgen.Program, error)
		of, wrt string
	}{{graphgen.Spec.Saliency, "loss", "weights"}, {graphgen.Spec.Flow, "logits", "weights"},
		{graphgen.Spec.Jacobian, "logits", "images"}} {
		p := check.Must(x.emit(tinySpec()))(t)
		in := inputs(p, 11)
		got := check.Must(eval.Run(p.Graph, in))(t)["grad/"+x.wrt].F
		want := central(in[x.wrt].F, func() float64 { return sum(check.Must(eval.Run(p.Graph, in))(t)[x.of].F) })
		check.Close(t, p.Name, got, want, 1e-6, 1e-6)
		for _, o := range p.Signature.Outputs {
			if o.Role == graphgen.Flag {
				t.Errorf("%s overwrites the state: %s", p.Name, o.Name)
			}
		}
	}
}

// Without normalisation the logits grow with the weights: the network is linear in the last ones.
func TestFlowDoesNotNormalise(t *testing.T) {
	p := check.Must(tinySpec().Flow())(t)
	for _, n := range p.Graph.Nodes {
		if _, ok := n.Op.(op.BatchNormTraining); ok {
			t.Fatalf("%s normalises", n.Scope)
		}
	}
}

// The patterns count ReLU states that two images share.
func TestPatterns(t *testing.T) {
	p := check.Must(tinySpec().Patterns())(t)
	in := inputs(p, 12)
	values := check.Must(eval.Values(p.Graph, in))(t)
	var want [4]float64 // of two images
	total := 0
	for _, n := range p.Graph.Nodes {
		if _, ok := n.Op.(op.Relu); !ok {
			continue
		}
		y := values[n.Out[0]].F
		each := len(y) / 2
		total += each
		for a := range 2 {
			for b := range 2 {
				for i := range each {
					if (y[a*each+i] > 0) == (y[b*each+i] > 0) {
						want[2*a+b]++
					}
				}
			}
		}
	}
	got := check.Must(eval.Run(p.Graph, in))(t)["patterns"].F
	check.Close(t, "patterns", got, want[:], 0, 0)
	if total == 0 || want[0] != float64(total) || want[1] == want[0] {
		t.Errorf("%d ReLUs: %v", total, want)
	}
	// A network without ReLUs has no patterns.
	s := tinySpec()
	s.Forward = func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		z := op.Flatten{}.Of(op.GlobalAveragePool{}.Of(images))
		return graphgen.Scores{Logits: op.Gemm{TransB: true}.Of(z, n.Weight("weight", 3, 0, 3, 3), n.Weight("bias", 3, 0, 3))}
	}
	p = check.Must(s.Patterns())(t)
	if got := check.Must(eval.Run(p.Graph, inputs(p, 1)))(t)["patterns"].F; sum(got) != 0 {
		t.Errorf("patterns without ReLUs: %v", got)
	}
}

// Every target can run the programs.
func TestProxyTargets(t *testing.T) {
	for _, target := range []pass.Target{pass.Portable, pass.CPUKernels, pass.CUDA, pass.CUDABFloat16} {
		s := tinySpec()
		s.Lowering = pass.Lowering{Target: target, Passes: pass.All}
		for _, emit := range []func() (*graphgen.Program, error){s.Saliency, s.Flow, s.Jacobian, s.Patterns} {
			if _, err := emit(); err != nil {
				t.Errorf("target %v: %v", target, err)
			}
		}
	}
}
