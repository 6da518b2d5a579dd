package graphgen

import (
	"errors"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// lowerCUDA rewrites a finished graph for ONNX Runtime's CUDA provider (Spec.CUDA) and checks that
// every node of it has a kernel there: one without would run on the host, with copies around it.
func (s Spec) lowerCUDA(g *ir.Graph) error {
	err := ir.Build(func() {
		g.Rewrite(plainPools)
		g.Trim()
		if s.BFloat16 {
			narrow(g)
		}
		addInTurn(g)
	})
	return errors.Join(err, CheckCUDA(g))
}

// plainPools replaces the gradients of pools, which the CUDA provider does not have.
func plainPools(n *ir.Node) []*ir.Value {
	switch o := n.Op.(type) {
	case op.MaxPoolGrad:
		return []*ir.Value{o.Scatter(n.In[0], n.In[1])}
	case op.AveragePoolGrad:
		return []*ir.Value{o.Spread(n.In[0])}
	}
	return nil
}

// variances are those of the batch, from 1/sqrt(variance + epsilon). The CUDA programs take them
// from there because the providers disagree on what enters a running variance: the variance with n
// (ONNX Runtime's CPU kernel) or n-1 (cuDNN) in the denominator.
func (b *builder) variances(inverse *ir.Value) *ir.Value {
	square := op.Div{}.Of(b.g.Scalar(1), op.Mul{}.Of(inverse, inverse))
	return op.Sub{}.Of(square, b.g.Scalar(bnEpsilon))
}
