package ir

import (
	"fmt"
	"slices"
	"strings"
)

// DType is an element type, numbered as in ONNX TensorProto.DataType.
type DType int32

// Element types that the step graphs use.
const (
	Float    DType = 1
	Uint8    DType = 2
	Int8     DType = 3
	Int32    DType = 6
	Int64    DType = 7
	Bool     DType = 9
	Float16  DType = 10
	Double   DType = 11
	BFloat16 DType = 16
)

var dtypeNames = map[DType]string{Float: "float", Uint8: "uint8", Int8: "int8", Int32: "int32",
	Int64: "int64", Bool: "bool", Float16: "float16", Double: "double",
	BFloat16: "bfloat16"}

// String returns the name in ONNX's text form: float, int64, bool, ...
func (d DType) String() string {
	if s, ok := dtypeNames[d]; ok {
		return s
	}
	return fmt.Sprintf("dtype(%d)", int32(d))
}

// Size is the number of bytes of one element.
func (d DType) Size() int {
	switch d {
	case Double, Int64:
		return 8
	case Float, Int32:
		return 4
	case Float16, BFloat16:
		return 2
	default:
		return 1
	}
}

// Type is the element type and the static shape of a value. Image tensors are NCHW.
type Type struct {
	DType DType
	Shape []int
}

// T makes a Type.
func T(d DType, shape ...int) Type { return Type{d, slices.Clone(shape)} }

// Elements is the number of elements; 1 for a scalar.
func (t Type) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Bytes is the size of the dense tensor.
func (t Type) Bytes() int { return t.Elements() * t.DType.Size() }

// Rank is the number of dimensions.
func (t Type) Rank() int { return len(t.Shape) }

// Equal reports whether both types have the same element type and shape.
func (t Type) Equal(u Type) bool { return t.DType == u.DType && slices.Equal(t.Shape, u.Shape) }

// String prints the type in ONNX's text form: float[16,3,32,32].
func (t Type) String() string {
	s := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		s[i] = fmt.Sprint(d)
	}
	if len(s) == 0 {
		return t.DType.String()
	}
	return t.DType.String() + "[" + strings.Join(s, ",") + "]"
}
