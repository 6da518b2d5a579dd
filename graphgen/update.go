package graphgen

import (
	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/port"
	"zos-ort/graphgen/scope"
)

// sgd differentiates the loss and updates the weights and their momentum. All gradients are joined
// into one vector in the layout of the weights, so the norm, the clip and the update take a dozen
// nodes.
func (b *builder) sgd() {
	// ONNX Runtime computes the later of two producers first (plan.RuntimeOrder). These nodes
	// stand before the gradients, so that they wait for the gradients and not the other way
	// round.
	o := b.optimiser()
	grads := b.orZeros(autodiff.Grad(b.loss, b.net.weightPieces))
	b.g.In(scope.SGD, func() {
		grad := b.net.join(grads, b.net.Weights)
		if b.spec.Freeze {
			b.output(WeightGradient, grad)
		}
		b.step(o, grad)
	})
}

// optimiser are the parts of a step of SGD that do not depend on the gradient.
type optimiser struct{ rate, decay, momentum *ir.Value }

func (b *builder) optimiser() (o optimiser) {
	n, g, s := b.net, b.g, b.spec.SGD
	g.In(scope.SGD, func() {
		o.rate = b.input(Rate, ir.T(ir.Float))
		n.momentum = g.Input(port.Momentum, n.weights.Type)
		o.decay = op.Mul{}.Of(n.weights, g.Scalar(float32(s.WeightDecay)))
		o.momentum = op.Mul{}.Of(n.momentum, g.Scalar(float32(s.Momentum)))
	})
	return o
}

// step clips the gradient and updates the weights with it.
func (b *builder) step(o optimiser, grad *ir.Value) {
	n, g := b.net, b.g
	var keep *ir.Value
	if b.spec.Freeze {
		keep = b.input(Keep, n.weights.Type)
		grad = op.Mul{}.Of(grad, keep)
	}
	norm := op.Sqrt{}.Of(sumOfSquares(grad))
	b.output(Norm, norm)
	clip := g.Scalar(float32(b.spec.SGD.Clip))
	safe := op.Max{}.Of(op.Add{}.Of(norm, g.Scalar(1e-6)), clip)
	grad = op.Mul{}.Of(grad, op.Div{}.Of(clip, safe))

	step := op.Add{}.Of(o.momentum, op.Add{}.Of(grad, o.decay))
	move := op.Mul{}.Of(step, o.rate)
	if keep != nil {
		move = op.Mul{}.Of(move, keep)
	}
	weights := op.Sub{}.Of(n.weights, move)
	b.updates = append(b.updates,
		Update{port.Momentum, n.momentum, step}, Update{port.Weights, n.weights, weights})
}

// orZeros replaces gradients of weights that the loss does not depend on.
func (b *builder) orZeros(grads []*ir.Value) []*ir.Value {
	for i, d := range grads {
		if d == nil {
			grads[i] = op.Zeros(b.g, b.net.weightPieces[i].Type)
		}
	}
	return grads
}

// joinedGradient outputs gradients of the weights as one vector.
func (b *builder) joinedGradient(grads []*ir.Value) {
	grads = b.orZeros(grads)
	b.g.In(scope.Loss, func() { b.output(WeightGradient, b.net.join(grads, b.net.Weights)) })
}

// sumChunk is the number of elements summed in one run. A float32 sum of millions of squares in one
// go is off by 1e-5; in chunks it is exact to a few roundings.
const sumChunk = 1024

// sumOfSquares is the sum of squares of a vector, as a scalar.
func sumOfSquares(v *ir.Value) *ir.Value {
	n := v.Elements()
	if n <= sumChunk {
		return op.ReduceSumSquare{}.Of(v)
	}
	rows := n / sumChunk
	full := v
	if n%sumChunk != 0 {
		full = op.SliceVector{Length: rows * sumChunk}.Of(v)
	}
	chunks := op.Reshape{}.To(op.Mul{}.Of(full, full), rows, sumChunk)
	sums := op.Reshape{}.To(op.ReduceSum{}.Of(chunks, 1), rows)
	total := op.Reshape{}.To(op.ReduceSum{}.Of(sums))
	if rest := n % sumChunk; rest != 0 {
		tail := op.SliceVector{From: n - rest, Length: rest}.Of(v)
		total = op.Add{}.Of(total, op.ReduceSumSquare{}.Of(tail))
	}
	return total
}

// statistics updates the running means and variances. ONNX Runtime puts the biased batch variance
// into the running variance, PyTorch the unbiased variance; the part that the step added is scaled
// by n/(n-1).
func (b *builder) statistics() {
	n, g := b.net, b.g
	if len(n.newMeans) == 0 {
		return
	}
	g.In(scope.Statistics, func() {
		means, vars := n.join(n.newMeans, n.Stats), n.join(n.newVars, n.Stats)
		if n.CUDA && !n.Kernels {
			vars = b.variances(vars)
		}
		if n.Kernels || n.CUDA {
			means, vars = b.blend(n.means, means), b.blend(n.variances, vars)
		}
		added := op.Sub{}.Of(vars, op.Mul{}.Of(n.variances, g.Scalar(bnMomentum)))
		vars = op.Add{}.Of(vars, op.Mul{}.Of(added, n.repeat(n.unbias)))
		b.updates = append(b.updates, Update{port.RunningMean, n.means, means},
			Update{port.RunningVariance, n.variances, vars})
	})
}

// blend returns the running statistics after a batch, as BatchNormTraining computes them.
func (b *builder) blend(old, batch *ir.Value) *ir.Value {
	keep := op.Mul{}.Of(old, b.g.Scalar(bnMomentum))
	return op.Add{}.Of(keep, op.Mul{}.Of(batch, b.g.Scalar(1-float32(bnMomentum))))
}

// repeat returns a constant in the layout of the statistics, with one number for each batch norm.
func (n *Net) repeat(numbers []float32) *ir.Value {
	flat := make([]float32, n.Stats.Len())
	for i, e := range n.Stats {
		for j := range e.Len() {
			flat[e.Offset+j] = numbers[i]
		}
	}
	return n.G.Floats(flat, len(flat))
}

// variances returns those of the batch, from 1/sqrt(variance + epsilon). The CUDA programs take
// them from there because the providers disagree on the variance that enters the running variance:
// its denominator is n (ONNX Runtime's CPU kernel) or n-1 (cuDNN).
func (b *builder) variances(inverse *ir.Value) *ir.Value {
	square := op.Div{}.Of(b.g.Scalar(1), op.Mul{}.Of(inverse, inverse))
	return op.Sub{}.Of(square, b.g.Scalar(bnEpsilon))
}
