package graphgen_test

import (
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/port"
)

// noisy has two operations that give noise, the second with a stride.
func noisy(n *graphgen.Net, images *ir.Value) (s graphgen.Scores) {
	n.G.In("a", func() { s.Logits = n.Noise(images, 1) })
	n.G.In("b", func() { s.Logits = op.Add{}.Of(op.MaxPool{Kernel: 2, Stride: 2}.Of(s.Logits), n.Noise(images, 2)) })
	s.Logits = op.Gemm{TransB: true}.Of(op.Flatten{}.Of(s.Logits), n.Weight("weight", 0, 1, 5, s.Logits.Elements()/s.Logits.Shape[0]), n.Zeros(5))
	return s
}

// Operations see different stretches of the input noise, and nothing of the images.
func TestNoise(t *testing.T) {
	const batch, size = 2, 4
	const second = batch * 3 * (size / 2) * (size / 2)
	spec := graphgen.Spec{Forward: noisy, Batch: batch, Image: size, Classes: 5, Lowering: pass.Lowering{Passes: pass.All}}
	p := check.Must(spec.Rank())(t)
	noise := check.Must(p.Signature.Input(graphgen.Noise))(t)
	from := noise.Type.Elements() - second
	if from < batch*3*size*size {
		t.Fatalf("the second stretch begins at %d, inside of the first", from)
	}
	in := inputs(p, 1)
	same, _ := run(t, p, in)
	for i := range in[port.Images].F {
		in[port.Images].F[i]++
	}
	other, _ := run(t, p, in)
	check.Close(t, "with other images", other[port.Logits].F, same[port.Logits].F, 0, 0)
	for at, seen := range map[int]bool{0: true, from - 1: false, from: true, from + second - 1: true} {
		old := in[port.Noise].F[at]
		in[port.Noise].F[at]++
		if x, _ := run(t, p, in); slices.Equal(x[port.Logits].F, same[port.Logits].F) == seen {
			t.Errorf("number %d of the noise: seen %v", at, !seen)
		}
		in[port.Noise].F[at] = old
	}
}

// A graph for others has no input for noise, and takes any number of images.
func TestNoiseOfFrozen(t *testing.T) {
	weight := graphgen.Tensors{"/weight": slices.Repeat([]float32{1}, 5*12)}
	g := check.Must(graphgen.Freeze("network", weight, func(n *graphgen.Net) {
		n.G.Output(port.Logits, noisy(n, n.G.Input(port.Image, ir.T(ir.Float, 1, 3, 4, 4))).Logits)
	}))(t)
	if len(g.Inputs) != 1 {
		t.Errorf("%d inputs", len(g.Inputs))
	}
}
