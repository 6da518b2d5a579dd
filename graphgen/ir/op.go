package ir

// ONNX operator domains.
const (
	Onnx      = ""              // the standard operators
	Microsoft = "com.microsoft" // ONNX Runtime's contrib and training operators
	Zos       = "zos"           // our own kernels (package ort/kernels)
)

// Attr is one ONNX attribute. Value is an int, float32, string or []int.
type Attr struct {
	Name  string
	Value any
}

// Op is the meaning of a node: a plain value, comparable by its printed form, whose fields are the
// ONNX attributes of one operator.
type Op interface {
	// OpType is the ONNX domain and operator name.
	OpType() (domain, name string)
	// Attrs are the attributes to emit, in a fixed order.
	Attrs() []Attr
	// Infer is the type rule: it returns the types of all outputs, or the rule that the inputs
	// break. An absent optional input is the zero Type.
	Infer(in []Type) ([]Type, error)
}

// Differentiable is an Op with a vector-Jacobian product.
type Differentiable interface {
	Op
	// VJP returns one cotangent per input: nil where p.Need is false or the gradient is zero.
	VJP(p Pullback) []*Value
}

// Pullback holds what a VJP rule gets: the node, the cotangents of its outputs (nil means zero) and
// the inputs that need a gradient. Rules must build nothing for an input that needs none.
type Pullback struct {
	Node *Node
	Dy   []*Value
	Need []bool
}

// In returns input i of the node.
func (p Pullback) In(i int) *Value { return p.Node.In[i] }

// Out returns output i of the node, or nil if the node does not produce it.
func (p Pullback) Out(i int) *Value { return p.Node.Out[i] }

// Overwriter is an Op that writes its result into one of its inputs.
type Overwriter interface {
	Op
	// Overwrites returns the index of the input buffer that the node overwrites.
	Overwrites() int
}

// Clobberer is an Op whose kernels may write into the memory of some inputs, even of constants and
// graph inputs. Verify demands that these inputs belong to the node alone.
type Clobberer interface {
	Op
	// Clobbers lists the inputs that may be written.
	Clobbers() []int
}

// Aliaser is an Op whose first output may share the memory of its first input (Reshape, Identity).
type Aliaser interface {
	Op
	Aliases()
}
