// Package ir is the graph that everything is built in: values with static types, nodes with typed
// operators, and the rules (Verify) that a graph must obey.
//
// Nodes are kept in creation order, which is a topological order and the order of emission: the
// same construction gives the same bytes. Building a graph panics with *BuildError when a rule is
// broken; Build is the one function that turns the panic into an error.
package ir

import (
	"fmt"
	"slices"
	"strings"
)

// Value is a tensor in a graph: an input, a constant or an output of a node.
type Value struct {
	Type
	Name  string    // name of an input or of a named constant; empty otherwise
	Const *Constant // data of a constant; nil otherwise
	Def   *Node     // producing node; nil for inputs and constants
	Index int       // which output of Def
	Axis  string    // what a file calls the first axis; empty: it gives its length
	graph *Graph

	// Untold says that the file of a session leaves out the shape, and of a constant that it may be
	// replaced: it would not help, see package pass.
	Untold bool
}

// Graph is the graph that the value belongs to.
func (v *Value) Graph() *Graph { return v.graph }

// IsInput reports whether the value is an input of its graph.
func (v *Value) IsInput() bool { return v.Def == nil && v.Const == nil }

// Node is one operation.
type Node struct {
	Op    Op
	In    []*Value // nil: optional input left out
	Out   []*Value // nil: an optional output that is not used
	Scope string   // place in the network, "cell3/edge7/dil_conv_3x3"
}

// Clobbers lists the present inputs that the node may write into.
func (n *Node) Clobbers() (list []int) {
	c, ok := n.Op.(Clobberer)
	if !ok {
		return nil
	}
	for _, i := range c.Clobbers() {
		if i < len(n.In) && n.In[i] != nil {
			list = append(list, i)
		}
	}
	return list
}

// Output is a named result of a graph.
type Output struct {
	Name  string
	Value *Value
}

// Graph is a directed acyclic graph of nodes. The zero value is not usable; see New.
type Graph struct {
	Name      string
	Inputs    []*Value
	Constants []*Value
	Nodes     []*Node
	Outputs   []Output
	// Share makes Add return the existing outputs when the same operator has already been
	// applied to the same inputs. Operators that overwrite a buffer are never shared.
	Share bool

	shared map[string][]*Value
	scope  []string
	consts map[string]*Value
	names  map[string]bool
}

// New returns an empty graph.
func New(name string) *Graph {
	return &Graph{Name: name, consts: map[string]*Value{}, names: map[string]bool{}}
}

// BuildError is a broken rule with the place in the network where it broke.
type BuildError struct {
	Scope string
	Err   error
}

func (e *BuildError) Error() string {
	if e.Scope == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v (%s)", e.Err, e.Scope)
}

func (e *BuildError) Unwrap() error { return e.Err }

// Build runs f and returns the *BuildError that it panicked with, if any.
func Build(f func()) (err error) {
	defer func() {
		r := recover()
		if b, ok := r.(*BuildError); ok {
			err = b
		} else if r != nil {
			panic(r)
		}
	}()
	f()
	return nil
}

// Fail stops the construction with an error at the present scope.
func (g *Graph) Fail(format string, args ...any) {
	panic(&BuildError{strings.Join(g.scope, "/"), fmt.Errorf(format, args...)})
}

// In runs f with name appended to the scope of the nodes that f adds.
func (g *Graph) In(name string, f func()) {
	g.scope = append(g.scope, name)
	f()
	g.scope = g.scope[:len(g.scope)-1]
}

// At runs f with exactly the given scope; passes and gradients use it to keep the place of origin.
func (g *Graph) At(scope string, f func()) {
	old := g.scope
	g.scope = []string{scope}
	f()
	g.scope = old
}

// Scope is the present scope, joined by slashes.
func (g *Graph) Scope() string { return strings.Join(g.scope, "/") }

// Input declares an input port.
func (g *Graph) Input(name string, t Type) *Value {
	if name == "" || g.names[name] {
		g.Fail("input: name %q is empty or already taken", name)
	}
	g.names[name] = true
	v := &Value{Type: t, Name: name, graph: g}
	g.Inputs = append(g.Inputs, v)
	return v
}

// Output declares v as a named result.
func (g *Graph) Output(name string, v *Value) {
	if name == "" || g.names[name] {
		g.Fail("output: name %q is empty or already taken", name)
	}
	if v == nil || v.graph != g {
		g.Fail("output %s: value of another graph", name)
	}
	g.names[name] = true
	g.Outputs = append(g.Outputs, Output{name, v})
}

// Add appends a node that produces all outputs of op.
func (g *Graph) Add(op Op, in ...*Value) []*Value { return g.AddWanted(op, nil, in...) }

// Add1 appends a node and returns its first output.
func (g *Graph) Add1(op Op, in ...*Value) *Value { return g.Add(op, in...)[0] }

// AddWanted appends a node that produces only the wanted outputs (nil: all). Unwanted ones are nil.
// The slice is the caller's to change.
func (g *Graph) AddWanted(op Op, wanted []bool, in ...*Value) []*Value {
	key := ""
	if g.Share && wanted == nil {
		key = shareKey(op, in)
		if outs, ok := g.shared[key]; ok {
			return slices.Clone(outs)
		}
	}
	n := &Node{Op: op, In: slices.Clone(in), Scope: strings.Join(g.scope, "/")}
	outs, err := op.Infer(g.inputTypes(op, in))
	if err != nil {
		g.Fail("%w", err)
	}
	n.Out = make([]*Value, len(outs))
	for i, t := range outs {
		if wanted == nil || wanted[i] {
			n.Out[i] = &Value{Type: t, Def: n, Index: i, graph: g}
		}
	}
	g.Nodes = append(g.Nodes, n)
	if key != "" {
		if g.shared == nil {
			g.shared = map[string][]*Value{}
		}
		g.shared[key] = n.Out
	}
	return slices.Clone(n.Out)
}

// shareKey identifies an application of a pure operator; empty for one that must not be shared.
func shareKey(op Op, in []*Value) string {
	if _, ok := op.(Overwriter); ok {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%T%v", op, op)
	for _, v := range in {
		fmt.Fprintf(&b, " %p", v)
	}
	return b.String()
}

func (g *Graph) inputTypes(op Op, in []*Value) []Type {
	types := make([]Type, len(in))
	for i, v := range in {
		if v == nil {
			continue
		}
		if v.graph != g {
			_, name := op.OpType()
			g.Fail("%s: input %d is a value of another graph", name, i)
		}
		types[i] = v.Type
	}
	return types
}

// Readers lists, for every value, the nodes that read it, in graph order.
func (g *Graph) Readers() map[*Value][]*Node {
	r := make(map[*Value][]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		for i, v := range n.In {
			if v != nil && !slices.Contains(n.In[:i], v) {
				r[v] = append(r[v], n)
			}
		}
	}
	return r
}
