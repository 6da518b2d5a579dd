package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// Overwrite replaces the contents of a state buffer (a graph input) by value. Its inputs are the
// buffer, the value and a boolean [1]; where the boolean is false, value is added instead. The
// output is a boolean flag [1], which must be a graph output, or the node would be removed. ONNX
// Runtime: com.microsoft.InPlaceAccumulatorV2.
type Overwrite struct{}

func (Overwrite) OpType() (string, string) { return ir.Microsoft, "InPlaceAccumulatorV2" }
func (Overwrite) Attrs() []ir.Attr         { return nil }

// Overwrites returns the index of the buffer.
func (Overwrite) Overwrites() int { return 0 }

// Infer checks that the value fits the buffer.
func (Overwrite) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("overwrite", in, 3, 3); err != nil {
		return nil, err
	}
	if !in[0].Equal(in[1]) {
		return nil, fmt.Errorf("overwrite: buffer is %v, value is %v", in[0], in[1])
	}
	return []ir.Type{ir.T(ir.Bool, 1)}, nil
}

// Accumulate adds value to the buffer, or stores it there if reset, a boolean [1], is true.
func (o Overwrite) Accumulate(buffer, value, reset *ir.Value) *ir.Value {
	return buffer.Graph().Add1(o, buffer, value, reset)
}

// Of adds the overwrite and returns its flag.
func (o Overwrite) Of(buffer, value *ir.Value) *ir.Value {
	g := buffer.Graph()
	return g.Add1(o, buffer, value, g.True())
}
