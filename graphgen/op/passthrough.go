package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// PassThrough returns its inputs unchanged, in their memory, once all of them are available: a
// reader of one output waits for every input. ONNX Runtime: com.microsoft.PassThrough, whose
// outputs alias its inputs one by one. It fails if one of them is a graph output, which has memory
// of its own.
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

// Of adds the node and returns its output for each of the values.
func (o PassThrough) Of(x ...*ir.Value) []*ir.Value { return x[0].Graph().Add(o, x...) }
