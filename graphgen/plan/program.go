// Package plan predicts the memory of a step program before it runs. It repeats on paper what ONNX
// Runtime does with a graph: the order of the nodes (core/graph/graph_viewer.cc), which values
// share a buffer (core/framework/allocation_planner.cc) and when a buffer is freed. The result is
// the number of live bytes at every node and the tensors that make up the peak.
//
// Bytes counts the buffers that a run allocates: everything that nodes compute, including graph
// outputs, each rounded up to Alignment as the arena rounds it. Inputs of the graph (state vectors,
// images) and constants exist before and after the run and are reported separately, as is the
// working memory of our own kernels. The working memory of ONNX Runtime's own kernels is left out.
package plan

import "fmt"

// Alignment is the unit in bytes in which ONNX Runtime's arenas hand out memory.
const Alignment = 256

// Absent in Node.In or Node.Out is an optional tensor that is left out.
const Absent = -1

// Kind says who owns the memory of a value.
type Kind int

// Kinds of values.
const (
	Computed Kind = iota // by a node
	Input                // fed by the caller
	State                // fed and overwritten in place
	Constant             // stored in the file
)

// Value is one tensor of a program.
type Value struct {
	Name    string
	Shape   []int
	Axis    string // what the file calls the first axis, where it does not give its length
	Element int    // bytes of one element
	Kind    Kind
	Output  bool // a result of the graph: it lives to the end
}

// Bytes is the rounded size.
func (v Value) Bytes() int { return Rounded(v.Element * v.elements()) }

func (v Value) elements() int {
	n := 1
	for _, d := range v.Shape {
		n *= d
	}
	return n
}

// Rounded is how many bytes an arena takes for so many.
func Rounded(bytes int) int { return (bytes + Alignment - 1) / Alignment * Alignment }

// class is the same for values that ONNX Runtime puts into the same buffer: values of equal shape,
// as far as the file tells, with elements of equal size.
func (v Value) class() string { return fmt.Sprint(v.Element, v.Shape, v.Axis) }

// Node is one operation; In and Out are indices into Program.Values.
type Node struct {
	Op      string // ONNX operator
	Scope   string // place in the network, "cell3/edge7/dil_conv_3x3"
	In, Out []int
	Scratch int // bytes from the pool of a GPU while the node runs
}

// Program is a graph as the planner sees it: any topological order of nodes with static shapes.
type Program struct {
	Values []Value
	Nodes  []Node
}

// definitions maps every computed value to its node, and other values to Absent.
func (p *Program) definitions() []int {
	def := make([]int, len(p.Values))
	for i := range def {
		def[i] = Absent
	}
	for i, n := range p.Nodes {
		for _, v := range n.Out {
			if v != Absent {
				def[v] = i
			}
		}
	}
	return def
}
