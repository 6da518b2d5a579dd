package reader

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"zos-ort/graphgen/plan"
)

// Field numbers of ONNX's protocol buffers (onnx.proto).
const (
	modelGraph       = 7
	modelMetadata    = 14
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12
	graphValueInfo   = 13
	tensorDims       = 1
	tensorType       = 2
	tensorName       = 8
)

// elementBytes is the size of the elements of a TensorProto.DataType.
var elementBytes = map[uint64]int{1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4,
	13: 8, 16: 2}

// valueTypes reads the declared shapes and element types in a file, by name. It skips data. A named
// dimension, such as the batch of a network for deployment, counts as batch; 0 is the batch of the
// file's metadata, or 1.
func valueTypes(b []byte, batch int) (map[string]plan.Value, error) {
	types := map[string]plan.Value{}
	if batch == 0 {
		batch = batchOf(b)
	}
	err := fields(b, func(number protowire.Number, _ uint64, model []byte) error {
		if number != modelGraph {
			return nil
		}
		return fields(model, func(number protowire.Number, _ uint64, item []byte) error {
			var name string
			var v plan.Value
			var err error
			switch number {
			case graphInput, graphOutput, graphValueInfo:
				name, v, err = valueInfo(item, batch)
			case graphInitializer:
				name, v, err = tensorInfo(item)
			default:
				return nil
			}
			if err == nil {
				err = checkSize(name, v)
			}
			if v.Element > 0 {
				types[name] = v
			}
			return err
		})
	})
	return types, err
}

// batchOf reads the number of images from the metadata property of that name; it is 1 without one.
func batchOf(b []byte) int {
	batch := 1
	_ = fields(b, func(number protowire.Number, _ uint64, entry []byte) error {
		if number != modelMetadata {
			return nil
		}
		var pair [3]string // from 1: key, value
		err := fields(entry, func(number protowire.Number, _ uint64, content []byte) error {
			pair[min(number, 2)] = string(content)
			return nil
		})
		if n, wrong := strconv.Atoi(pair[2]); pair[1] == "batch" && wrong == nil && n > 0 {
			batch = n
		}
		return err
	}) // a file that cannot be read is reported by those who read the rest
	return batch
}

// checkSize refuses shapes too large for any memory, before they are multiplied out.
func checkSize(name string, v plan.Value) error {
	bytes := 1
	for _, d := range v.Shape {
		if d < 0 || (d > 0 && bytes > maxValueBytes/d) {
			return fmt.Errorf("value %s has the impossible shape %v", name, v.Shape)
		}
		bytes *= max(d, 1)
	}
	return nil
}

// maxValueBytes is more than any machine has.
const maxValueBytes = 1 << 50

// fields calls f for every field of a message; value holds varints, content messages and strings.
func fields(b []byte, f func(number protowire.Number, value uint64, content []byte) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("not an ONNX file: %w", protowire.ParseError(n))
		}
		b = b[n:]
		var value uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			content, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return fmt.Errorf("not an ONNX file: %w", protowire.ParseError(n))
		}
		b = b[n:]
		if err := f(number, value, content); err != nil {
			return err
		}
	}
	return nil
}

// valueInfo reads
// ValueInfoProto{name=1, type=2{tensor_type=1{elem_type=1, shape=2{dim=1{dim_value=1,
// dim_param=2}}}}}.
func valueInfo(b []byte, batch int) (name string, v plan.Value, err error) {
	dimension := func(_ protowire.Number, _ uint64, dim []byte) error {
		size := batch
		err := fields(dim, func(number protowire.Number, value uint64, param []byte) error {
			switch number {
			case 1:
				size = int(value)
			case 2:
				size = lengthOf(string(param), batch)
				if len(v.Shape) == 0 {
					v.Axis = string(param)
				}
			}
			return nil
		})
		v.Shape = append(v.Shape, size)
		return err
	}
	tensor := func(number protowire.Number, value uint64, content []byte) error {
		if number == 1 {
			v.Element = elementBytes[value]
			return nil
		}
		return fields(content, dimension)
	}
	err = fields(b, func(number protowire.Number, _ uint64, content []byte) error {
		switch number {
		case 1:
			name = string(content)
		case 2:
			return fields(content, func(number protowire.Number, _ uint64, kind []byte) error {
				if number != 1 {
					return nil
				}
				return fields(kind, tensor)
			})
		}
		return nil
	})
	return name, v, err
}

// lengthOf is the length of a named axis: the one in its name, as in length64_5, or the batch.
func lengthOf(name string, batch int) int {
	digits, ok := strings.CutPrefix(name, "length")
	digits, _, numbered := strings.Cut(digits, "_")
	if n, err := strconv.Atoi(digits); ok && numbered && err == nil && n >= 0 {
		return n
	}
	return batch
}

// tensorInfo reads name, type and dimensions of a TensorProto.
func tensorInfo(b []byte) (name string, v plan.Value, err error) {
	err = fields(b, func(number protowire.Number, value uint64, content []byte) error {
		switch {
		case number == tensorName:
			name = string(content)
		case number == tensorType:
			v.Element = elementBytes[value]
		case number == tensorDims && content == nil:
			v.Shape = append(v.Shape, int(value))
		case number == tensorDims: // packed
			for len(content) > 0 {
				d, n := protowire.ConsumeVarint(content)
				if n < 0 {
					return fmt.Errorf("not an ONNX file: %w", protowire.ParseError(n))
				}
				v.Shape, content = append(v.Shape, int(d)), content[n:]
			}
		}
		return nil
	})
	return name, v, err
}
