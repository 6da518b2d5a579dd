package graphgen

import (
	"slices"

	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/scope"
)

// Programs that look at an untrained network, for zero-cost proxies (package prune/proxy). They use the
// statistics of the batch, like Rank, and leave the state alone.

// Saliency computes the loss of a batch and its gradient with respect to the weights, grad/weights[W] in the
// layout of the weights.
func (s Spec) Saliency() (*Program, error) {
	return s.build("saliency", Batch, true, func(b *builder) {
		b.lossAndCorrect()
		b.weightGradient(b.loss)
	})
}

// Flow computes the logits and the gradient of their sum with respect to the weights, grad/weights[W], in the
// network without normalisation: batch norms only scale and shift.
func (s Spec) Flow() (*Program, error) {
	return s.plain().build("flow", Linear, false, func(b *builder) {
		b.output(Logits, b.scores.Logits)
		b.weightGradient(b.sumOfLogits())
	})
}

// Jacobian computes the logits and the gradient of their sum with respect to the images, grad/images[B,3,S,S].
func (s Spec) Jacobian() (*Program, error) {
	return s.build("jacobian", Batch, false, func(b *builder) {
		d := autodiff.Grad(b.sumOfLogits(), []*ir.Value{b.images})[0]
		if d == nil { // the logits do not depend on the images
			d = op.Zeros(b.g, b.images.Type)
		}
		b.output(Logits, b.scores.Logits)
		b.output(ImageGradient, d)
	})
}

// Patterns computes for every pair of images how many ReLUs are in the same state, patterns[B,B]: the sum over
// ReLUs of c c' + (1-c)(1-c)', where c[B,N] is 1 for positive outputs. ReLUs on the same tensor count as often
// as they occur, those of operations with a mixing weight of 0 not at all.
func (s Spec) Patterns() (*Program, error) {
	return s.plain().build("patterns", Batch, false, func(b *builder) {
		var sum *ir.Value
		for _, n := range slices.Clone(b.g.Nodes) {
			if _, ok := n.Op.(op.Relu); ok {
				b.g.In(scope.Patterns, func() { sum = add(sum, gated(agreement(n.Out[0]), b.net.gate(n.Scope))) })
			}
		}
		if sum == nil {
			sum = op.Zeros(b.g, ir.T(ir.Float, s.Batch, s.Batch))
		}
		b.output(Patterns, sum)
	})
}

// plain is the spec without rewrites, which would fuse ReLUs and batch norms with convolutions, and share ReLUs.
func (s Spec) plain() Spec {
	s.Lowering.Passes, s.Lowering.Recompute = pass.None, pass.RecomputeOff
	s.Target = s.Target.Stock()
	return s
}

// agreement counts for every pair of images the elements of a ReLU's output y that are positive in both or in
// neither.
func agreement(y *ir.Value) *ir.Value {
	g, batch := y.Graph(), y.Shape[0]
	ones := op.Expand{}.To(g.Scalar(1), y.Shape...)
	positive := op.Reshape{}.To(op.ReluGrad{}.Of(ones, y), batch, y.Elements()/batch)
	negative := op.Sub{}.Of(g.Scalar(1), positive)
	zeros := g.Floats(make([]float32, batch), batch)
	both := op.Gemm{TransB: true}.Of(positive, positive, zeros)
	return op.Add{}.Of(both, op.Gemm{TransB: true}.Of(negative, negative, zeros))
}

// gated is x if the weight w[1] is positive, and zero if it is not; x without a weight.
func gated(x, w *ir.Value) *ir.Value {
	if w == nil {
		return x
	}
	one := op.Expand{}.To(x.Graph().Scalar(1), w.Shape...)
	return op.Mul{}.Of(x, op.ReluGrad{}.Of(one, w))
}

func add(sum, x *ir.Value) *ir.Value {
	if sum == nil {
		return x
	}
	return op.Add{}.Of(sum, x)
}

// weightGradient outputs the gradient of a number with respect to all weights.
func (b *builder) weightGradient(of *ir.Value) {
	b.joinedGradient(autodiff.Grad(of, b.net.weightPieces))
}

// sumOfLogits is a scalar.
func (b *builder) sumOfLogits() (sum *ir.Value) {
	b.g.In(scope.Loss, func() { sum = op.Reshape{}.To(op.ReduceSum{}.Of(b.scores.Logits)) })
	return sum
}

// scaled is what a batch norm leaves of x in the Linear mode: scale[C] x + bias[C].
func (n *Net) scaled(x, scale, bias *ir.Value) *ir.Value {
	if scale = unless(scale, 1); scale != nil {
		x = op.Mul{}.Of(x, op.Reshape{}.To(scale, 1, scale.Elements(), 1, 1))
	}
	if bias = unless(bias, 0); bias != nil {
		x = op.Add{}.Of(x, op.Reshape{}.To(bias, 1, bias.Elements(), 1, 1))
	}
	return x
}
