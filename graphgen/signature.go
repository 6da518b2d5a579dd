package graphgen

import (
	"fmt"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/port"
)

// Role says what a port of a program means to the program's runner.
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
	Noise     Role = "noise"      // standard normal numbers, see Net.Noise
	Reset     Role = "reset"      // ONNX Runtime's lazy_reset_grad, unused
	Loss      Role = "loss"       // scalar
	Correct   Role = "correct"    // number of samples whose top class is the label, scalar
	Keep      Role = "keep"       // 1 for weights that train, 0 for those that stay, in their layout
	Norm      Role = "norm"       // global norm of the weight gradient before clipping, scalar
	Gradient  Role = "gradient"   // gradient of the loss with respect to a MixWeight port
	Logits    Role = "logits"     // [B,classes]
	Patterns  Role = "patterns"   // [B,B], see Spec.Patterns
	// Gradients of programs that look at untrained networks.
	WeightGradient Role = "weight-gradient" // in the layout of the weights
	ImageGradient  Role = "image-gradient"  // [B,3,S,S]
	Flag           Role = "flag"            // result of an in-place update; ignored
)

// portNames are the names of the roles that at most one port of a program has. MixWeight and
// Gradient ports are named by their mix, Flag ports by the updated state.
var portNames = map[Role]string{Param: port.Weights, Momentum: port.Momentum,
	Mean: port.RunningMean, Variance: port.RunningVariance, Image: port.Images, Label: port.Labels,
	Rate: port.Rate, Keep: port.Keep, DropPath: port.DropPath, Noise: port.Noise, Reset: port.Reset, Loss: port.Loss,
	Correct: port.Correct, Norm: port.Norm, Logits: port.Logits, Patterns: port.Patterns,
	WeightGradient: port.Gradient(port.Weights), ImageGradient: port.Gradient(port.Images)}

// IsState reports whether ports of this role are tensors of the runtime's checkpoint state.
func (r Role) IsState() bool { return port.IsState(portNames[r]) }

// Mixed is what mixing weights weigh.
type Mixed string

// Values of Mixed.
const (
	MixedOperations Mixed = "mix"  // the operations of every edge
	MixedEdges      Mixed = "edge" // the edges into every node
)

// Mix says what one vector of mixing weights mixes, in all cells of one type.
type Mix struct {
	Of   Mixed
	Cell string // cell type, "normal" or "reduce"
}

// Input is the name of the input that takes the weights.
func (m Mix) Input() string { return string(m.Of) + "/" + m.Cell }

// Port is one input or output of a program.
type Port struct {
	Name string
	Role Role
	Type ir.Type
	// Mix is the mix of a MixWeight port, or of the port whose gradient a Gradient port is.
	Mix Mix
	// Gradient is the output with the gradient of a MixWeight port; it is empty in programs
	// without gradients.
	Gradient string
}

// Signature is the contract between emission and execution.
type Signature struct {
	Program         string // name
	Inputs, Outputs []Port
}

// Input returns the only input with a role.
func (s Signature) Input(r Role) (Port, error) { return s.byRole("input", s.Inputs, r) }

// Output returns the only output with a role.
func (s Signature) Output(r Role) (Port, error) { return s.byRole("output", s.Outputs, r) }

func (s Signature) byRole(kind string, ports []Port, r Role) (found Port, err error) {
	count := 0
	for _, p := range ports {
		if p.Role == r {
			found, count = p, count+1
		}
	}
	if count != 1 {
		return Port{}, fmt.Errorf("%s: needs 1 %s of role %s, has %d", s.Program, kind, r, count)
	}
	return found, nil
}

// Mixing returns the input with the weights of a mix, if the program has one.
func (s Signature) Mixing(m Mix) (Port, bool) {
	for _, p := range s.Inputs {
		if p.Role == MixWeight && p.Mix == m {
			return p, true
		}
	}
	return Port{}, false
}

// In returns the input port of the given name.
func (s Signature) In(name string) (Port, error) { return s.byName("input", s.Inputs, name) }

// Out returns the output port of the given name.
func (s Signature) Out(name string) (Port, error) { return s.byName("output", s.Outputs, name) }

func (s Signature) byName(kind string, ports []Port, name string) (Port, error) {
	for _, p := range ports {
		if p.Name == name {
			return p, nil
		}
	}
	return Port{}, fmt.Errorf("%s: no %s %s", s.Program, kind, name)
}

// signature describes the ports of the finished graph.
func (b *builder) signature() (Signature, error) {
	s, known := Signature{Program: b.g.Name}, b.ports()
	for _, v := range b.g.Inputs {
		s.Inputs = append(s.Inputs, known[v.Name].named(v.Name, v.Type))
	}
	for _, o := range b.g.Outputs {
		s.Outputs = append(s.Outputs, known[o.Name].named(o.Name, o.Value.Type))
	}
	for _, list := range [][]Port{s.Inputs, s.Outputs} {
		for i, p := range list {
			if p.Role == "" {
				return s, fmt.Errorf("%s: port %s has no role", s.Program, p.Name)
			}
			if _, err := s.Out(port.Gradient(p.Name)); p.Role == MixWeight && err == nil {
				list[i].Gradient = port.Gradient(p.Name)
			}
		}
	}
	return s, nil
}

// ports maps names to the roles of all ports that the program may have.
func (b *builder) ports() map[string]Port {
	known := map[string]Port{}
	for role, name := range portNames {
		known[name] = Port{Role: role}
	}
	for _, m := range b.net.mixing {
		known[m.Input()] = Port{Role: MixWeight, Mix: m}
		known[port.Gradient(m.Input())] = Port{Role: Gradient, Mix: m}
	}
	for _, u := range b.updates {
		known[port.Updated(u.Name)] = Port{Role: Flag}
	}
	return known
}

// named is a port of this description with a name and type.
func (p Port) named(name string, t ir.Type) Port {
	p.Name, p.Type = name, t
	return p
}
