package graphgen

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// Role says what a port of a program means to whoever runs it.
type Role string

// Roles of ports. State ports (Param, Momentum, Mean, Variance) live in the runtime and are
// overwritten in place; all others are fed or read by the host at every step.
const (
	Param     Role = "param"      // all weights of the net, one flat vector (see Layout)
	Momentum  Role = "momentum"   // SGD momentum of the weights, same layout
	Mean      Role = "mean"       // running means of the batch norms, one flat vector
	Variance  Role = "variance"   // running variances, same layout
	MixWeight Role = "mix-weight" // mixing weights of the candidate operations or edges
	Image     Role = "image"      // float32 [B,3,S,S]
	Label     Role = "label"      // int64 [B]
	Rate      Role = "rate"       // learning rate, scalar
	DropPath  Role = "drop-path"  // per-sample factors [operations,B]: 0 or 1/keep
	Reset     Role = "reset"      // ONNX Runtime's lazy_reset_grad, unused
	Loss      Role = "loss"       // scalar
	Correct   Role = "correct"    // number of samples whose top class is the label, scalar
	Norm      Role = "norm"       // global norm of the weight gradient before clipping, scalar
	Gradient  Role = "gradient"   // gradient of the loss with respect to a MixWeight port
	Logits    Role = "logits"     // [B,classes]
	Flag      Role = "flag"       // result of an in-place update, of no interest
)

// IsState reports whether ports of this role are tensors of the runtime's checkpoint state.
func (r Role) IsState() bool {
	return r == Param || r == Momentum || r == Mean || r == Variance
}

// Port is one input or output of a program.
type Port struct {
	Name string
	Role Role
	Type ir.Type
}

// Signature is the contract between emission and execution.
type Signature struct{ Inputs, Outputs []Port }

// In returns the input port of the given name.
func (s Signature) In(name string) (Port, error) { return find("input", s.Inputs, name) }

// Out returns the output port of the given name.
func (s Signature) Out(name string) (Port, error) { return find("output", s.Outputs, name) }

func find(kind string, ports []Port, name string) (Port, error) {
	for _, p := range ports {
		if p.Name == name {
			return p, nil
		}
	}
	return Port{}, fmt.Errorf("program has no %s %s", kind, name)
}

// Entry is one tensor inside a flat state vector.
type Entry struct {
	Name   string
	Shape  []int
	Offset int
	Init   Init
}

// Len is the number of elements.
func (e Entry) Len() int { return ir.Type{Shape: e.Shape}.Elements() }

// Init is how a tensor starts: uniform in (-Bound, Bound), or Value everywhere when Bound is 0.
type Init struct{ Bound, Value float64 }

// Layout places named tensors in one flat float32 vector. The entries are in the order of construction,
// the places in another (see Layout.arrange).
type Layout []Entry

// Len is the length of the vector.
func (l Layout) Len() (n int) {
	for _, e := range l {
		n += e.Len()
	}
	return n
}

// Find returns the entry of that name.
func (l Layout) Find(name string) (Entry, bool) {
	i := slices.IndexFunc(l, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, false
	}
	return l[i], true
}

// Transfer copies the tensors that both layouts have, by name, from one vector into another. A
// tensor whose shape changed is an error.
func (l Layout) Transfer(dst []float32, from Layout, src []float32) error {
	old := make(map[string]Entry, len(from))
	for _, e := range from {
		old[e.Name] = e
	}
	for _, e := range l {
		o, ok := old[e.Name]
		if !ok {
			continue
		}
		if !slices.Equal(o.Shape, e.Shape) {
			return fmt.Errorf("transfer: %s is %v here and %v there", e.Name, e.Shape, o.Shape)
		}
		copy(dst[e.Offset:e.Offset+e.Len()], src[o.Offset:o.Offset+o.Len()])
	}
	return nil
}

func (l *Layout) add(name string, shape []int, init Init) Entry {
	e := Entry{Name: name, Shape: slices.Clone(shape), Offset: l.Len(), Init: init}
	*l = append(*l, e)
	return e
}
