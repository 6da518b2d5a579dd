package ort

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Port is an input or an output of a model. A dimension that is not fixed is -1.
type Port struct {
	Name  string
	DType DType
	Shape []int
	// Ranked is false if the model does not give the shape.
	Ranked bool
}

// fits reports what keeps a tensor from being this port.
func (p Port) fits(t *Tensor) error {
	if t.dtype != p.DType {
		return fmt.Errorf("%w: %s is %v, the tensor %v", ErrType, p.Name, p.DType, t.dtype)
	}
	if !p.Ranked {
		return nil
	}
	same := func(want, got int) bool { return want == got || want < 0 }
	if !slices.EqualFunc(p.Shape, t.shape, same) {
		return fmt.Errorf("%w: %s is %v, the tensor %v", ErrShape, p.Name, p.Shape, t.shape)
	}
	return nil
}

// ports reads the inputs and outputs of an ONNX file: ModelProto.graph = 7, GraphProto.initializer
// = 5, input = 11, output = 12 (onnx.proto). The training API gives no types, and asking an
// inference session would mean creating one.
func ports(model []byte) (inputs, outputs []Port, err error) {
	initial := map[string]bool{}
	var all []Port
	err = fields(model, func(field protowire.Number, graph []byte) error {
		if field != 7 {
			return nil
		}
		return fields(graph, func(field protowire.Number, b []byte) error {
			switch field {
			case 5: // TensorProto.name = 8
				return fields(b, func(field protowire.Number, name []byte) error {
					if field == 8 {
						initial[string(name)] = true
					}
					return nil
				})
			case 11, 12:
				p, err := port(b)
				if field == 11 {
					all = append(all, p)
				} else {
					outputs = append(outputs, p)
				}
				return err
			}
			return nil
		})
	})
	// Before IR version 4 initializers were listed as inputs too.
	for _, p := range all {
		if !initial[p.Name] {
			inputs = append(inputs, p)
		}
	}
	return inputs, outputs, err
}

// port reads a ValueInfoProto: name = 1, type = 2; TypeProto.tensor_type = 1; its elem_type = 1 and
// shape = 2; TensorShapeProto.dim = 1; its dim_value = 1.
func port(b []byte) (Port, error) {
	var p Port
	err := fields(b, func(field protowire.Number, b []byte) error {
		if field == 1 {
			p.Name = string(b)
		}
		if field != 2 {
			return nil
		}
		return fields(b, func(field protowire.Number, tensor []byte) error {
			if field != 1 {
				return nil
			}
			if code, ok := varint(tensor, 1); ok {
				p.DType = DType(code)
			}
			return fields(tensor, func(field protowire.Number, shape []byte) error {
				if field != 2 {
					return nil
				}
				p.Ranked = true
				return fields(shape, func(_ protowire.Number, dim []byte) error {
					size := -1
					if v, ok := varint(dim, 1); ok {
						size = int(v)
					}
					p.Shape = append(p.Shape, size)
					return nil
				})
			})
		})
	})
	return p, err
}

// fields visits the length-delimited fields of a message.
func fields(b []byte, visit func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		field, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("%w: %v", ErrModel, protowire.ParseError(n))
		}
		b = b[n:]
		if wire != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, wire, b); n < 0 {
				return fmt.Errorf("%w: %v", ErrModel, protowire.ParseError(n))
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return fmt.Errorf("%w: %v", ErrModel, protowire.ParseError(n))
		}
		if err := visit(field, v); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// varint finds a varint field of a message.
func varint(b []byte, want protowire.Number) (uint64, bool) {
	for len(b) > 0 {
		field, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return 0, false
		}
		b = b[n:]
		if field == want && wire == protowire.VarintType {
			v, n := protowire.ConsumeVarint(b)
			return v, n >= 0
		}
		if n = protowire.ConsumeFieldValue(field, wire, b); n < 0 {
			return 0, false
		}
		b = b[n:]
	}
	return 0, false
}
