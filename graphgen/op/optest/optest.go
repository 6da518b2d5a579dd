// Package optest lists the operators with every attribute combination that the networks use. The
// tests of package op prove the gradients of these cases in float64; the tests of package ort run
// the same cases in ONNX Runtime. It is for tests only.
package optest

import (
	"fmt"
	"math/rand/v2"

	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
)

// Steps of the central difference along one input.
const (
	Exact = 1    // the operator is linear in each of its inputs, so any step is exact
	Small = 1e-5 // truncation 1e-10 f''', rounding 1e-11 |f|
)

// Case is one operator, or a few related ones, with fixed attributes.
type Case struct {
	Name   string
	Step   float64
	Inputs []Input
	NoGrad bool // an operator without a gradient
	// Build adds the operator and returns the results that are compared and differentiated.
	Build func(x []*ir.Value) []*ir.Value
}

// Input is a float input of a case. Values are exactly representable in float32.
type Input struct {
	Shape []int
	Fill  func(r *rand.Rand, n int) []float64
}

// Normal makes an input with values from N(0,1).
func Normal(shape ...int) Input {
	return Input{shape, func(r *rand.Rand, n int) []float64 {
		return fill(n, func(int) float64 { return r.NormFloat64() })
	}}
}

// Positive makes an input with values from U(0.5, 1.5).
func Positive(shape ...int) Input {
	return Input{shape, func(r *rand.Rand, n int) []float64 {
		return fill(n, func(int) float64 { return 0.5 + r.Float64() })
	}}
}

// Apart makes an input whose values are at least 1/8 from each other and 1/16 from zero, so that no
// kink of a Relu or a MaxPool is near.
func Apart(shape ...int) Input {
	return Input{shape, func(r *rand.Rand, n int) []float64 {
		p := r.Perm(n)
		return fill(n, func(i int) float64 { return (float64(p[i]-n/2) + 0.5) / 8 })
	}}
}

func fill(n int, f func(i int) float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(float32(f(i)))
	}
	return x
}

// Rand returns the generator of a case: it gives the same values in every run.
func (c Case) Rand() *rand.Rand {
	seed := uint64(len(c.Name))
	for _, b := range []byte(c.Name) {
		seed = seed*131 + uint64(b)
	}
	return rand.New(rand.NewPCG(seed, 1))
}

// Graph is a case made into a graph.
type Graph struct {
	*ir.Graph
	In, Out []*ir.Value
	Grad    []*ir.Value // by input; nil where the results do not depend on the input
	Forward int         // number of nodes that are not part of the gradient
}

// Graph builds the case with inputs x0, x1, ... and outputs y0, y1, ...; if wrt is given, it
// differentiates y with respect to those inputs: the cotangents are inputs c0, c1, ... and the
// gradients are outputs g0, g1, ...
func (c Case) Graph(wrt ...int) *Graph {
	g := &Graph{Graph: ir.New("case"), Grad: make([]*ir.Value, len(c.Inputs))}
	for i, in := range c.Inputs {
		g.In = append(g.In, g.Input(fmt.Sprintf("x%d", i), ir.T(ir.Float, in.Shape...)))
	}
	g.Out = c.Build(g.In)
	g.Forward = len(g.Nodes)
	for i, y := range g.Out {
		g.Output(fmt.Sprintf("y%d", i), y)
	}
	if len(wrt) == 0 {
		return g
	}
	var cotangents, inputs []*ir.Value
	for i, y := range g.Out {
		cotangents = append(cotangents, g.Input(fmt.Sprintf("c%d", i), y.Type))
	}
	for _, i := range wrt {
		inputs = append(inputs, g.In[i])
	}
	for j, dx := range autodiff.VJP(g.Out, cotangents, inputs) {
		g.Grad[wrt[j]] = dx
		if dx != nil {
			g.Output(fmt.Sprintf("g%d", wrt[j]), dx)
		}
	}
	return g
}

// Values draws values for all inputs of a graph of the case, including cotangents.
func (c Case) Values(g *Graph) map[string]*eval.Tensor {
	r, values := c.Rand(), map[string]*eval.Tensor{}
	for i, in := range c.Inputs {
		values[g.In[i].Name] = eval.Floats(in.Fill(r, g.In[i].Elements()), in.Shape...)
	}
	for _, v := range g.Inputs {
		if values[v.Name] == nil {
			values[v.Name] = eval.Floats(Normal().Fill(r, v.Elements()), v.Shape...)
		}
	}
	return values
}

// All lists every case that runs on the CPU.
func All() []Case {
	var all []Case
	for _, f := range []func() []Case{Conv, Depthwise, Normalize, Unit, Halves, Known, Scaled, DirectPool, Addends, Pool,
		Norm, Activation, Elementwise, Linear, Loss, Reduce, Shape, Split, Metric, Quantize,
		Free, PlainPool} {
		all = append(all, f()...)
	}
	return all
}

// one wraps a builder of a single result.
func one(f func(x []*ir.Value) *ir.Value) func(x []*ir.Value) []*ir.Value {
	return func(x []*ir.Value) []*ir.Value { return []*ir.Value{f(x)} }
}
