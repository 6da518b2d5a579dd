// Package program runs graphgen programs on ONNX Runtime: a Net holds the state vectors that
// several programs share, a Runner is a program with its host buffers.
package program

import (
	"fmt"
	"slices"

	"zos-ort/graphgen"
	"zos-ort/graphgen/port"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
)

// Net is the state of a network in the runtime: weights, momentum and running statistics, shared by
// every Runner on the Net. Close the runners before the Net.
type Net struct {
	state   ort.Store
	opts    ort.Options
	kernels *ort.Domain
	Shape   Shape
}

// Shape is the layout of the state vectors.
type Shape struct{ Weights, Stats graphgen.Layout }

// Vectors are the contents of the state. Nil vectors start at zero, variances at one.
type Vectors struct{ Weights, Momentum, Means, Variances []float32 }

// NewNet creates the state. Sessions on it know our own kernels.
func NewNet(s Shape, v Vectors, o ort.Options) (*Net, error) {
	n := &Net{opts: o, Shape: s}
	params := Params(s, v)
	for _, p := range params {
		if len(p.Data) != p.Shape[0] {
			return nil, fmt.Errorf("state %s: needs %d numbers, got %d", p.Name, p.Shape[0], len(p.Data))
		}
	}
	var err error
	if n.state, err = ort.NewStore(params, o); err != nil {
		return nil, err
	}
	if n.kernels, err = kernels.DomainFor(o); err != nil {
		n.state.Close()
		return nil, err
	}
	if n.kernels != nil {
		n.opts.Domains = append(slices.Clip(o.Domains), n.kernels)
	}
	return n, nil
}

// Params returns the state tensors of a network with these contents.
func Params(s Shape, v Vectors) []ort.Param {
	v = v.Complete(s)
	var params []ort.Param
	for _, f := range s.fields(&v) {
		params = append(params, ort.Param{Name: f.name, Shape: []int{f.len}, Data: *f.data})
	}
	return params
}

// Complete fills in the nil vectors: a fresh state has zero momentum, zero means and variances of
// one.
func (v Vectors) Complete(s Shape) Vectors {
	for _, f := range s.fields(&v) {
		if *f.data != nil {
			continue
		}
		*f.data = make([]float32, f.len)
		if f.name == port.RunningVariance {
			for i := range *f.data {
				(*f.data)[i] = 1
			}
		}
	}
	return v
}

// Fresh are the tensors of a network with these weights whose running statistics are those before its first step.
func Fresh(p *graphgen.Program, weights []float32) graphgen.Tensors {
	v := Vectors{Weights: weights}.Complete(Shape{Weights: p.Weights, Stats: p.Stats})
	return p.Tensors(v.Weights, v.Means, v.Variances)
}

// Vectors reads the whole state back.
func (n *Net) Vectors() (v Vectors, err error) {
	for _, f := range n.Shape.fields(&v) {
		*f.data = make([]float32, f.len)
	}
	if err = n.Get(v); err != nil {
		return Vectors{}, err
	}
	return v, nil
}

// Get copies the state to those vectors that are not nil.
func (n *Net) Get(v Vectors) error {
	for _, f := range n.Shape.fields(&v) {
		if *f.data == nil {
			continue
		}
		if err := n.state.Get(f.name, *f.data); err != nil {
			return err
		}
	}
	return nil
}

// Set overwrites the state with those vectors that are not nil.
func (n *Net) Set(v Vectors) error {
	for _, f := range n.Shape.fields(&v) {
		if *f.data == nil {
			continue
		}
		if err := n.state.Set(f.name, *f.data); err != nil {
			return err
		}
	}
	return nil
}

type field struct {
	name string
	data *[]float32
	len  int
}

func (s Shape) fields(v *Vectors) []field {
	w, stats := s.Weights.Len(), s.Stats.Len()
	return []field{{port.Weights, &v.Weights, w}, {port.Momentum, &v.Momentum, w},
		{port.RunningMean, &v.Means, stats}, {port.RunningVariance, &v.Variances, stats}}
}

// Trim gives back the memory that making programs and sessions left unused; see ort.Trim.
func (n *Net) Trim() { ort.Trim() }

// Close releases the state.
func (n *Net) Close() {
	n.state.Close()
	n.kernels.Close()
}
