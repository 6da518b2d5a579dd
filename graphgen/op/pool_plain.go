package op

import "zos-ort/graphgen/ir"

// Pool gradients made of operators that ONNX Runtime has for every device: MaxPoolGrad and
// AveragePoolGrad exist on the CPU only.

// Scatter returns the gradient of a MaxPool: it adds dY at the places of the maxima.
func (m MaxPoolGrad) Scatter(dy, indices *ir.Value) *ir.Value {
	g := dy.Graph()
	flat := func(v *ir.Value) *ir.Value { return Reshape{}.To(v, v.Elements()) }
	n := m.N * m.C * m.H * m.W
	at := flat(indices) // before dY: ONNX Runtime computes later nodes first, then dY is ready
	d := g.Add1(GatherElementsGrad{n}, flat(dy), g.Ints(int64(n)), at)
	return Reshape{}.To(d, m.N, m.C, m.H, m.W)
}

// Spread returns the gradient of an AveragePool. A pool with windows centred on every pixel is its
// own transpose but for the counts: with g = dY/count, dX = sum of g over the window = count
// pool(g). For other pools the gradient is a transposed convolution.
func (a AveragePoolGrad) Spread(dy *ir.Value) *ir.Value {
	p := a.Pool
	if p.Stride > 1 || 2*p.Pad != p.Kernel-1 {
		return a.Free(dy)
	}
	counts := dy.Graph().Floats(a.counts(a.H, a.W), 1, 1, a.H, a.W)
	return Mul{}.Of(p.Of(Div{}.Of(dy, counts)), counts)
}
