package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// PassThrough gives its inputs unchanged, in their memory, when all of them are there: whoever reads
// one output waits for every input. ONNX Runtime: com.microsoft.PassThrough, whose outputs are
// aliases of its inputs one by one; it fails if one is an output of the graph, which has memory of its
// own.
type PassThrough struct{}

func (PassThrough) OpType() (string, string) { return ir.Microsoft, "PassThrough" }
func (PassThrough) Attrs() []ir.Attr         { return nil }

// Aliases marks the first result as a view of the first input.
func (PassThrough) Aliases() {}

// Infer gives the types of the inputs.
func (PassThrough) Infer(in []ir.Type) ([]ir.Type, error) {
	if len(in) == 0 {
		return nil, fmt.Errorf("pass through: nothing to pass")
	}
	return in, arity("pass through", in, len(in), len(in))
}

// Of adds the node and returns what stands for each of the values.
func (o PassThrough) Of(x ...*ir.Value) []*ir.Value { return x[0].Graph().Add(o, x...) }
