package graphgen

import (
	"fmt"
	"math/rand/v2"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Tensors holds named float32 tensors, row-major; the layers know the shapes.
type Tensors map[string][]float32

// Names of the running statistics of a batch norm in Tensors.
const (
	meanSuffix     = "/mean"
	varianceSuffix = "/variance"
)

// Freeze builds a graph whose weights and running statistics are constants. Its argument build
// declares inputs and outputs and calls layers, which look up their tensors by name. Batch norms
// use the running statistics.
func Freeze(name string, t Tensors, build func(n *Net)) (*ir.Graph, error) {
	if t == nil {
		t = Tensors{} // nil would mean state
	}
	n := &Net{G: ir.New(name), Mode: Eval, frozen: t}
	if err := ir.Build(func() { build(n) }); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	n.G.Trim()
	return n.G, nil
}

// constant returns a frozen tensor.
func (n *Net) constant(name string, shape ...int) *ir.Value {
	data, ok := n.frozen[name]
	if !ok {
		n.G.Fail("freeze: no tensor %s", name)
	}
	return n.G.Named(name, ir.T(ir.Float, shape...), &ir.Constant{Float: data})
}

func (n *Net) frozenBatchNorm(x, scale, bias *ir.Value) *ir.Value {
	name, c := n.G.Scope()+statSuffix, x.Shape[1]
	return op.BatchNorm{Epsilon: bnEpsilon}.Of(x, scale, bias,
		n.constant(name+meanSuffix, c), n.constant(name+varianceSuffix, c))
}

// Tensors names the pieces of a flat weight vector and, where given, of the statistics.
func (p *Program) Tensors(weights, means, variances []float32) Tensors {
	t := Tensors{}
	for _, e := range p.Weights {
		t[e.Name] = weights[e.Offset : e.Offset+e.Len()]
	}
	for _, e := range p.Stats {
		t[e.Name+meanSuffix] = means[e.Offset : e.Offset+e.Len()]
		t[e.Name+varianceSuffix] = variances[e.Offset : e.Offset+e.Len()]
	}
	return t
}

// Initialize draws a flat vector with the distributions that PyTorch uses for its layers.
func (l Layout) Initialize(rng *rand.Rand) []float32 {
	v := make([]float32, l.Len())
	for _, e := range l {
		for i := e.Offset; i < e.Offset+e.Len(); i++ {
			v[i] = float32(e.Init.Value)
			if e.Init.Bound > 0 {
				v[i] = float32((2*rng.Float64() - 1) * e.Init.Bound)
			}
		}
	}
	return v
}
