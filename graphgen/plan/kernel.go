package plan

// sharing is what a kernel of ONNX Runtime declares about the memory of its results: pairs of input
// and output index. Views always share the input's buffer. InPlace results take it over where this
// node is the last to use the buffer and the sizes agree.
type sharing struct{ views, inPlace [][2]int }

var (
	view    = sharing{views: [][2]int{{0, 0}}}
	both    = sharing{views: [][2]int{{0, 0}, {1, 1}}}
	unary   = sharing{inPlace: [][2]int{{0, 0}}}
	moments = sharing{views: [][2]int{{3, 1}, {4, 2}}} // running mean and variance
)

// kernels are the declarations of the CPU kernels of ONNX Runtime 1.28's training build (Alias and
// MayInplace in its kernel definitions), by operator. Operators that are not listed allocate their
// results; of the elementwise ones that is every one with two inputs. A test of zos-ort lets the
// runtime's arena say so for each.
var kernels = map[string]sharing{
	"Reshape":     view,
	"Flatten":     view,
	"Identity":    view,
	"PassThrough": both, // of the two values that our graphs pass
	"Relu":        unary,
	"Softmax":     unary,
	"Cast":        unary,

	"BatchNormInternal": moments,

	// Our own kernels (package ort/kernels) write over what they add. The gradients of ONNX
	// Runtime's pools have no such input.
	"DepthwiseGradInput": unary,
	"Normalize":          addend(3),
	"NormalizeGrad":      addend(5),
	"ReluConvNorm":       addend(5),
	"ReluConvNormGrad":   addend(7),
	"Scaled":             addend(2),
	"MaxPoolGrad":        addend(2),
	"AveragePoolGrad":    addend(1),
}

func addend(input int) sharing { return sharing{inPlace: [][2]int{{input, 0}}} }
