package program

import (
	"fmt"
	"slices"

	"zos-ort/graphgen"
	"zos-ort/ort"
)

// Runner is a program on a Net, with host buffers for everything that is not state. Writing to an
// input's buffer sets that input of the next Run; an output's buffer holds the result of the last
// Run. The buffers of ports that the program lacks are nil.
type Runner struct {
	Program *graphgen.Program // without its graph and model

	Images        []float32 // [B,3,S,S]; see Feed
	Labels        []int64   // [B]
	Rate          []float32 // learning rate, one number
	DropPath      []float32 // [operations,B]
	Loss, Correct []float32 // one number each
	Norm          []float32 // of the gradient before clipping, one number
	Keep          []float32 // 1 for weights that train, 0 for those that stay, in their layout
	// WeightGradient is that of the loss with respect to the weights, in their layout.
	WeightGradient []float32
	Logits         []float32 // [B,Classes]
	Classes        int       // of Logits
	mixes          map[graphgen.Mix]Mixing
	noise          []float32 // drawn by Run

	program ort.Program
	step    *ort.Step
	tensors map[string]*ort.Tensor // by port
}

// Mixing holds the buffers of a vector of mixing weights and of its gradient. Gradient is nil in
// programs without gradients.
type Mixing struct{ Weights, Gradient []float32 }

// OpenWeightStep opens a program that trains the weights on a batch.
func (n *Net) OpenWeightStep(p *graphgen.Program) (*Runner, error) {
	return n.Open(p, graphgen.Image, graphgen.Label, graphgen.Rate, graphgen.Loss, graphgen.Correct,
		graphgen.Norm)
}

// OpenWeightGradient opens the first half of a weight step.
func (n *Net) OpenWeightGradient(p *graphgen.Program) (*Runner, error) {
	return n.Open(p, graphgen.Image, graphgen.Label, graphgen.Loss, graphgen.Correct, graphgen.WeightGradient)
}

// OpenWeightUpdate opens the second half.
func (n *Net) OpenWeightUpdate(p *graphgen.Program) (*Runner, error) {
	return n.Open(p, graphgen.WeightGradient, graphgen.Rate, graphgen.Norm)
}

// OpenAlphaStep opens a program that computes the gradient of the mixing weights on a batch.
func (n *Net) OpenAlphaStep(p *graphgen.Program) (*Runner, error) {
	return n.Open(p, graphgen.Image, graphgen.Label, graphgen.Loss, graphgen.Correct)
}

// OpenForward opens a program that computes logits: an evaluation, or the ranking of a network.
func (n *Net) OpenForward(p *graphgen.Program) (*Runner, error) {
	return n.Open(p, graphgen.Image, graphgen.Logits)
}

// Open creates the session of a program and its buffers. The program must have a port with each
// needed role.
func (n *Net) Open(p *graphgen.Program, needed ...graphgen.Role) (*Runner, error) {
	if err := checkRoles(p.Signature, needed); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	t, err := n.state.Open(p.Model, n.opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	kept := *p
	kept.Graph, kept.Model = nil, nil // the session has its own
	r := &Runner{Program: &kept, program: t, mixes: map[graphgen.Mix]Mixing{},
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

// checkRoles refuses a program that lacks a needed role, or whose ports compete for a buffer of a
// Runner.
func checkRoles(s graphgen.Signature, needed []graphgen.Role) error {
	count := map[graphgen.Role]int{}
	for _, p := range slices.Concat(s.Inputs, s.Outputs) {
		count[p.Role]++
		if p.Role == graphgen.Logits && len(p.Type.Shape) != 2 {
			return fmt.Errorf("logits have shape %v, want [batch,classes]", p.Type.Shape)
		}
	}
	for _, role := range needed {
		if count[role] == 0 {
			return fmt.Errorf("needs a port of role %s, has none", role)
		}
	}
	single := new(Runner).floats()
	for role, n := range count {
		if n > 1 && (role == graphgen.Label || single[role] != nil) {
			return fmt.Errorf("has %d ports of role %s, want at most 1", n, role)
		}
	}
	return nil
}

// floats maps the roles with one float32 port to their buffers.
func (r *Runner) floats() map[graphgen.Role]*[]float32 {
	return map[graphgen.Role]*[]float32{graphgen.Image: &r.Images, graphgen.Rate: &r.Rate,
		graphgen.DropPath: &r.DropPath, graphgen.Loss: &r.Loss, graphgen.Correct: &r.Correct,
		graphgen.Norm: &r.Norm, graphgen.Logits: &r.Logits, graphgen.Keep: &r.Keep,
		graphgen.WeightGradient: &r.WeightGradient, graphgen.Noise: &r.noise}
}

// buffers makes the host buffers of ports and assigns them to the fields of their roles.
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
		r.assign(p, t)
	}
	return m, nil
}

func (r *Runner) assign(p graphgen.Port, t *ort.Tensor) {
	switch p.Role {
	case graphgen.Label:
		r.Labels = t.Int64()
	case graphgen.MixWeight:
		m := r.mixes[p.Mix]
		m.Weights = t.Float32()
		r.mixes[p.Mix] = m
	case graphgen.Gradient:
		m := r.mixes[p.Mix]
		m.Gradient = t.Float32()
		r.mixes[p.Mix] = m
	case graphgen.Logits:
		r.Logits, r.Classes = t.Float32(), p.Type.Shape[1]
	default:
		if to := r.floats()[p.Role]; to != nil {
			*to = t.Float32()
		}
	}
}

// Mix returns the buffers of a vector of mixing weights. They are nil if the program has no such
// vector.
func (r *Runner) Mix(m graphgen.Mix) Mixing { return r.mixes[m] }

// Port returns the buffer of a port of the program's signature, or nil for state and for ports that
// the program does not have.
func (r *Runner) Port(name string) *ort.Tensor { return r.tensors[name] }

// Feed sets the images of the next Run, and its labels if the program takes labels.
func (r *Runner) Feed(images []float32, labels []int64) error {
	if len(images) != len(r.Images) {
		return fmt.Errorf("%s: batch has %d numbers, the program takes %d", r.Program.Name, len(images),
			len(r.Images))
	}
	if len(labels) != len(r.Labels) {
		return fmt.Errorf("%s: batch has %d labels, the program takes %d", r.Program.Name, len(labels),
			len(r.Labels))
	}
	copy(r.Images, images)
	copy(r.Labels, labels)
	return nil
}

// Run executes the program once. Random numbers that it takes follow from the images.
func (r *Runner) Run() error {
	if len(r.noise) > 0 {
		drawNoise(r.noise, r.Images)
	}
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
	r.program.Close()
}
