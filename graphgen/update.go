package graphgen

import (
	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// sgd differentiates the loss and updates the weights and their momentum. All gradients are joined
// into one vector in the layout of the weights, so the norm, the clip and the update are a dozen nodes.
func (b *builder) sgd() {
	n, g, s := b.net, b.g, b.spec.SGD
	grads := autodiff.Grad(b.loss, n.weightPieces)
	for i, d := range grads {
		if d == nil {
			grads[i] = op.Zeros(g, n.weightPieces[i].Type)
		}
	}
	g.In("sgd", func() {
		grad := op.Concat{}.Of(grads...)
		norm := op.Sqrt{}.Of(op.ReduceSumSquare{}.Of(grad))
		b.output("norm", Norm, norm)
		clip := g.Scalar(float32(s.Clip))
		safe := op.Max{}.Of(op.Add{}.Of(norm, g.Scalar(1e-6)), clip)
		grad = op.Mul{}.Of(grad, op.Div{}.Of(clip, safe))

		rate := b.input("rate", Rate, ir.T(ir.Float))
		n.momentum = g.Input("momentum", n.weights.Type)
		step := op.Add{}.Of(grad, op.Mul{}.Of(n.weights, g.Scalar(float32(s.WeightDecay))))
		step = op.Add{}.Of(op.Mul{}.Of(n.momentum, g.Scalar(float32(s.Momentum))), step)
		weights := op.Sub{}.Of(n.weights, op.Mul{}.Of(step, rate))
		b.updates = append(b.updates,
			Update{"momentum", n.momentum, step}, Update{"weights", n.weights, weights})
	})
}

// statistics updates the running means and variances. ONNX Runtime puts the biased batch variance
// into the running variance, PyTorch the unbiased one; what the step added is scaled by n/(n-1).
func (b *builder) statistics() {
	n, g := b.net, b.g
	if len(n.newMeans) == 0 {
		return
	}
	g.In("statistics", func() {
		means, vars := op.Concat{}.Of(n.newMeans...), op.Concat{}.Of(n.newVars...)
		added := op.Sub{}.Of(vars, op.Mul{}.Of(n.variances, g.Scalar(bnMomentum)))
		vars = op.Add{}.Of(vars, op.Mul{}.Of(added, g.Floats(n.unbias, len(n.unbias))))
		b.updates = append(b.updates, Update{"running_mean", n.means, means},
			Update{"running_variance", n.variances, vars})
	})
}
