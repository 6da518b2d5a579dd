// Package program runs graphgen programs on ONNX Runtime: a Net holds the state vectors that several
// programs share, a Runner is one program with its host buffers.
package program

import (
	"fmt"
	"slices"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
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

// Runner is one program on a Net, with host buffers for everything that is not state.
type Runner struct {
	Program *graphgen.Program
	trainer *ort.Trainer
	step    *ort.Step
	ports   map[string]*ort.Tensor
}

// Open creates the session of a program and its buffers.
func (n *Net) Open(p *graphgen.Program) (*Runner, error) {
	t, err := ort.NewTrainer(n.state, p.Model, n.opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	r := &Runner{Program: p, trainer: t, ports: map[string]*ort.Tensor{}}
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
		m[p.Name], r.ports[p.Name] = t, t
	}
	return m, nil
}

// Float is the host buffer of a float32 port; writing to an input's buffer sets the input of the
// next Run, an output's buffer holds the result of the last.
func (r *Runner) Float(name string) []float32 { return r.port(name, ir.Float).Float32() }

// Int is the host buffer of an int64 port.
func (r *Runner) Int(name string) []int64 { return r.port(name, ir.Int64).Int64() }

// Has reports whether the program has the port.
func (r *Runner) Has(name string) bool { return r.ports[name] != nil }

func (r *Runner) port(name string, d ir.DType) *ort.Tensor {
	t := r.ports[name]
	if t == nil {
		panic(&ir.BuildError{Scope: r.Program.Name, Err: fmt.Errorf("no %v port %s", d, name)})
	}
	return t
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
	for _, t := range r.ports {
		t.Close()
	}
	r.ports = nil
	r.trainer.Close()
}
