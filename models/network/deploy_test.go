package network_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/deploy"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/models/network"
	"zos-ort/models/space"
)

// Folded weights are rounded to float32: 6e-8 of each.
const folded = 1e-5

var (
	mean = [3]float32{.5, .25, .125}
	std  = [3]float32{.25, .5, 2}
)

// trained is a small network with random contents.
func trained(t *testing.T, name string, cells int) (network.Config, graphgen.Tensors) {
	c := small(t, name, cells)
	_, tensors := weights(check.Must(spec(c, 1, 8).Evaluate())(t))
	return c, tensors
}

func output(t *testing.T, g *ir.Graph, image *eval.Tensor) []float64 {
	t.Helper()
	out := check.Must(eval.Run(g, map[string]*eval.Tensor{"image": image}))(t)
	return out[g.Outputs[0].Name].F
}

func normalized(image *eval.Tensor) *eval.Tensor {
	x := image.Clone()
	plane := len(x.F) / 3
	for i := range x.F {
		x.F[i] = (x.F[i] - float64(mean[i/plane])) / float64(std[i/plane])
	}
	return x
}

// The deployed network computes the logits of the evaluation, at sizes that pools and strides do not
// divide evenly, and has no batch norm left.
func TestDeployFolds(t *testing.T) {
	for _, name := range space.Names() {
		for _, cells := range []int{1, 3, 6} {
			c, tensors := trained(t, name, cells)
			before := slices.Clone(tensors["stem/weight"])
			for _, size := range []int{12, 20, 28} {
				image := tensor(4, 1, 3, size, size)
				want := output(t, check.Must(c.Graph(tensors, size))(t), normalized(image))
				for _, raw := range []bool{false, true} {
					d := network.Deployment{Size: size, Mean: mean, Std: std, Raw: raw}
					g := check.Must(c.Deploy(tensors, d))(t)
					x := image
					if raw {
						x = normalized(image)
					}
					what := fmt.Sprintf("%s, %d cells, %dx%d, raw %v", name, cells, size, size, raw)
					check.Close(t, what, output(t, g, x), want, folded*largest(want), 0)
					wantPlain(t, g)
				}
			}
			if !slices.Equal(tensors["stem/weight"], before) {
				t.Error("folding has changed the tensors of the caller")
			}
		}
	}
}

func largest(x []float64) (m float64) {
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}

func wantPlain(t *testing.T, g *ir.Graph) {
	t.Helper()
	standardOnly(t, g)
	for _, n := range g.Nodes {
		if _, ok := n.Op.(op.BatchNorm); ok {
			t.Errorf("a batch norm is left at %s", n.Scope)
		}
	}
}

func TestDeploySoftmax(t *testing.T) {
	c, tensors := trained(t, "DARTS_V2", 3)
	image := tensor(4, 1, 3, 12, 12)
	d := network.Deployment{Size: 12, Raw: true}
	want := output(t, check.Must(c.Deploy(tensors, d))(t), image)
	sum, top := 0.0, slices.Max(want)
	for i, z := range want {
		want[i] = math.Exp(z - top)
		sum += want[i]
	}
	for i := range want {
		want[i] /= sum
	}
	d.Softmax = true
	g := check.Must(c.Deploy(tensors, d))(t)
	check.Close(t, "probabilities", output(t, g, image), want, 1e-12, 0)
	if g.Outputs[0].Name != "probabilities" || d.Output() != "probabilities" {
		t.Errorf("the output is called %s", g.Outputs[0].Name)
	}
}

// Half precision rounds weights and activations to 11 bits and keeps the ports.
func TestHalfOfANetwork(t *testing.T) {
	for _, name := range space.Names() {
		c, tensors := trained(t, name, 6)
		image := tensor(4, 1, 3, 12, 12)
		g := check.Must(c.Deploy(tensors, network.Deployment{Size: 12, Mean: mean, Std: std}))(t)
		h := check.Must(deploy.Half(g))(t)
		standardOnly(t, h)
		want, got := output(t, g, image), output(t, h, image)
		check.Close(t, name, got, want, 5e-3*largest(want), 0)
		if slices.Equal(got, want) {
			t.Error("nothing is rounded")
		}
		for _, n := range h.Nodes {
			if _, ok := n.Op.(op.Conv); ok && n.In[1].DType != ir.Float16 {
				t.Errorf("a weight is %v at %s", n.In[1].Type, n.Scope)
			}
		}
	}
}

// Eight bits keep what the network says, with the ranges of the very image.
func TestQuantizeANetwork(t *testing.T) {
	for _, name := range space.Names() {
		for _, raw := range []bool{false, true} {
			c, tensors := trained(t, name, 6)
			image := tensor(4, 1, 3, 12, 12)
			make := func() *ir.Graph {
				d := network.Deployment{Size: 12, Mean: mean, Std: std, Raw: raw}
				return check.Must(c.Deploy(tensors, d))(t)
			}
			g := make()
			want := output(t, g, image)
			if err := deploy.Quantize(g, ranges(t, make(), image)); err != nil {
				t.Fatal(err)
			}
			standardOnly(t, g)
			check.Close(t, name, output(t, g, image), want, .1*largest(want), 0)
			for _, n := range g.Nodes {
				wantQuantized(t, n)
			}
		}
	}
}

// ranges observes one image.
func ranges(t *testing.T, g *ir.Graph, image *eval.Tensor) []deploy.Range {
	t.Helper()
	n := check.Must(deploy.Observe(g))(t)
	out := check.Must(eval.Run(g, map[string]*eval.Tensor{"image": image}))(t)
	var list []deploy.Range
	for i := range n {
		list = append(list, deploy.Range{Min: float32(out[deploy.MinName(i)].F[0]),
			Max: float32(out[deploy.MaxName(i)].F[0])})
	}
	return list
}

// wantQuantized: a convolution, and the classifier, read nothing but DequantizeLinear.
func wantQuantized(t *testing.T, n *ir.Node) {
	t.Helper()
	_, conv := n.Op.(op.Conv)
	_, gemm := n.Op.(op.Gemm)
	for i, v := range n.In {
		if conv || gemm {
			if v.Def == nil {
				t.Errorf("input %d at %s is not quantised", i, n.Scope)
			} else if _, ok := v.Def.Op.(op.DequantizeLinear); !ok {
				t.Errorf("input %d at %s comes from %T", i, n.Scope, v.Def.Op)
			}
		}
	}
}
