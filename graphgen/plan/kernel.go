package plan

import "zos-ort/graphgen/ir"

// sharing is what an ONNX Runtime kernel declares about the memory of its results: pairs of input
// and output index. Views always share the input's buffer. InPlace results take over the buffer if
// this node is its last user and the sizes agree.
type sharing struct{ views, inPlace [][2]int }

var (
	view    = sharing{views: [][2]int{{0, 0}}}
	both    = sharing{views: [][2]int{{0, 0}, {1, 1}}}
	unary   = sharing{inPlace: [][2]int{{0, 0}}}
	moments = sharing{views: [][2]int{{3, 1}, {4, 2}}} // running mean and variance
)

// kernels holds the declarations of the CPU kernels of ONNX Runtime 1.28's training build (Alias
// and MayInplace in the kernel definitions), by operator. Operators that are not listed allocate
// their results; all elementwise operators with two inputs do. A test of zos-ort checks each entry
// with the runtime's arena.
var kernels = map[string]sharing{
	"Reshape":     view,
	"Flatten":     view,
	"Identity":    view,
	"PassThrough": both, // for the two values that our graphs pass
	"Relu":        unary,
	"Softmax":     unary,
	"Cast":        unary,

	"BatchNormInternal": moments,

	// Our own kernels (package ort/kernels) write over the addend (op.Accumulator). The gradients of
	// ONNX Runtime's pools have no such input.
	"DepthwiseGradInput": unary,
	"Normalize":          addend(3),
	"NormalizeGrad":      addend(5),
	"ReluConvNorm":       addend(5),
	"ReluConvNormGrad":   addend(7),
	"Scaled":             addend(2),
	"MaxPoolGrad":        addend(2),
	"AveragePoolGrad":    addend(1),
}

// InPlace returns the input that a node may write its output j over if both have one shape, or nil
// if there is none.
func InPlace(n *ir.Node, j int) *ir.Value {
	_, name := n.Op.OpType()
	for _, pair := range kernels[name].inPlace {
		if pair[1] == j && pair[0] < len(n.In) {
			return n.In[pair[0]]
		}
	}
	return nil
}

// addend is the sharing of an op.Accumulator, whose addend has two places.
func addend(input int) sharing {
	return sharing{views: [][2]int{{input + 1, 0}}, inPlace: [][2]int{{input, 0}}}
}
