// Package program runs graphgen programs on ONNX Runtime: a Net holds the state vectors that several
// programs share, a Runner is one program with its host buffers.
package program

import (
	"fmt"
	"slices"

	"zos-ort/graphgen"
	"zos-ort/graphgen/port"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
)

// Net is the state of one network in the runtime: weights, momentum and running statistics, shared
// by every Runner that is opened on it. Close the runners before the Net.
type Net struct {
	state   *ort.State
	opts    ort.Options
	kernels *ort.Domain
	Shape   Shape
}

// Shape says how the state vectors are laid out.
type Shape struct{ Weights, Stats graphgen.Layout }

// Vectors are the contents of the state. Nil vectors start at zero, variances at one.
type Vectors struct{ Weights, Momentum, Means, Variances []float32 }

// NewNet creates the state. Sessions on it know our own CPU kernels.
func NewNet(s Shape, v Vectors, o ort.Options) (*Net, error) {
	n := &Net{opts: o, Shape: s}
	params := Params(s, v)
	for _, p := range params {
		if len(p.Data) != p.Shape[0] {
			return nil, fmt.Errorf("state %s: needs %d numbers, got %d", p.Name, p.Shape[0], len(p.Data))
		}
	}
	var err error
	if n.state, err = ort.NewState(params); err != nil {
		return nil, err
	}
	if n.kernels, err = kernels.NewDomain(); err != nil {
		n.state.Close()
		return nil, err
	}
	n.opts.Domains = append(slices.Clip(o.Domains), n.kernels)
	return n, nil
}

// Params are the state tensors of a network with these contents.
func Params(s Shape, v Vectors) []ort.Param {
	v = v.Complete(s)
	var params []ort.Param
	for _, f := range s.fields(&v) {
		params = append(params, ort.Param{Name: f.name, Shape: []int{f.len}, Data: *f.data})
	}
	return params
}

// Complete fills in the vectors that are nil: a fresh state has no momentum, means of zero and
// variances of one.
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

// Vectors reads the whole state back.
func (n *Net) Vectors() (v Vectors, err error) {
	for _, f := range n.Shape.fields(&v) {
		*f.data = make([]float32, f.len)
		if err = n.state.Get(f.name, *f.data); err != nil {
			return Vectors{}, err
		}
	}
	return v, nil
}

// Set overwrites those vectors of the state that are not nil.
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

// Close releases the state.
func (n *Net) Close() {
	n.state.Close()
	n.kernels.Close()
}

// Runner is one program on a Net, with host buffers for everything that is not state. Writing to the buffer
// of an input sets the input of the next Run; the buffer of an output holds the result of the last. Buffers
// of ports that the program does not have are nil.
type Runner struct {
	Program *graphgen.Program

	Images        []float32 // [B,3,S,S]; see Feed
	Labels        []int64   // [B]
	Rate          []float32 // learning rate, one number
	DropPath      []float32 // [operations,B]
	Loss, Correct []float32 // one number each
	Norm          []float32 // of the gradient before clipping, one number
	Logits        []float32 // [B,Classes]
	Classes       int       // of Logits
	mixes         map[graphgen.Mix]Mixing

	trainer *ort.Trainer
	step    *ort.Step
	tensors map[string]*ort.Tensor // by port
}

// Mixing are the buffers of a vector of mixing weights and of the gradient with respect to it, which is nil
// in programs without gradients.
type Mixing struct{ Weights, Gradient []float32 }

// Open creates the session of a program and its buffers.
func (n *Net) Open(p *graphgen.Program) (*Runner, error) {
	t, err := ort.NewTrainer(n.state, p.Model, n.opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	r := &Runner{Program: p, trainer: t, mixes: map[graphgen.Mix]Mixing{},
		tensors: map[string]*ort.Tensor{}}
	in, err := r.buffers(p.Signature.Inputs)
	if err == nil {
		var out map[string]*ort.Tensor
		if out, err = r.buffers(p.Signature.Outputs); err == nil {
			r.step, err = t.Bind(in, out)
		}
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return r, nil
}

// buffers makes the host buffers of ports, and takes note of them by role.
func (r *Runner) buffers(ports []graphgen.Port) (map[string]*ort.Tensor, error) {
	m := map[string]*ort.Tensor{}
	for _, p := range ports {
		if p.Role.IsState() || p.Role == graphgen.Reset {
			continue
		}
		t, err := ort.NewTensor(ort.DType(p.Type.DType), p.Type.Shape...)
		if err != nil {
			return nil, err
		}
		m[p.Name], r.tensors[p.Name] = t, t
		r.note(p, t)
	}
	return m, nil
}

func (r *Runner) note(p graphgen.Port, t *ort.Tensor) {
	floats := map[graphgen.Role]*[]float32{graphgen.Image: &r.Images, graphgen.Rate: &r.Rate,
		graphgen.DropPath: &r.DropPath, graphgen.Loss: &r.Loss, graphgen.Correct: &r.Correct,
		graphgen.Norm: &r.Norm, graphgen.Logits: &r.Logits}
	switch to := floats[p.Role]; {
	case to != nil:
		*to = t.Float32()
		if p.Role == graphgen.Logits {
			r.Classes = p.Type.Shape[1]
		}
	case p.Role == graphgen.Label:
		r.Labels = t.Int64()
	case p.Role == graphgen.MixWeight:
		m := r.mixes[p.Mix]
		m.Weights = t.Float32()
		r.mixes[p.Mix] = m
	case p.Role == graphgen.Gradient:
		m := r.mixes[p.Mix]
		m.Gradient = t.Float32()
		r.mixes[p.Mix] = m
	}
}

// Mix returns the buffers of a vector of mixing weights; nil ones if the program has no such vector.
func (r *Runner) Mix(m graphgen.Mix) Mixing { return r.mixes[m] }

// Port is the buffer of a port of the program's signature; nil for state, and for ports that are not there.
func (r *Runner) Port(name string) *ort.Tensor { return r.tensors[name] }

// Feed sets the images and, where they are given, the labels of the next Run.
func (r *Runner) Feed(images []float32, labels []int64) error {
	if len(images) != len(r.Images) {
		return fmt.Errorf("%s: batch has %d numbers, the program takes %d", r.Program.Name, len(images),
			len(r.Images))
	}
	if labels != nil && len(labels) != len(r.Labels) {
		return fmt.Errorf("%s: batch has %d labels, the program takes %d", r.Program.Name, len(labels),
			len(r.Labels))
	}
	copy(r.Images, images)
	copy(r.Labels, labels)
	return nil
}

// Run executes the program once.
func (r *Runner) Run() error {
	if err := r.step.Run(); err != nil {
		return fmt.Errorf("%s: %w", r.Program.Name, err)
	}
	return nil
}

// Close releases the session and the buffers.
func (r *Runner) Close() {
	if r.step != nil {
		r.step.Close()
	}
	for _, t := range r.tensors {
		t.Close()
	}
	r.tensors = nil
	r.trainer.Close()
}
