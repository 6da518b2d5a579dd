package eval

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// Tensor is a dense row-major tensor. Exactly one of F, I and B holds the elements; a tensor
// without elements has none set.
type Tensor struct {
	Shape []int
	F     []float64 // float16, bfloat16, float, double
	I     []int64   // int64, int32, int8, uint8
	B     []bool    // bool
}

// Floats makes a floating point tensor of the given shape; no shape is a scalar.
func Floats(data []float64, shape ...int) *Tensor {
	return &Tensor{Shape: slices.Clone(shape), F: data}
}

// Ints makes an int64 tensor.
func Ints(data []int64, shape ...int) *Tensor {
	return &Tensor{Shape: slices.Clone(shape), I: data}
}

// Bools makes a boolean tensor.
func Bools(data []bool, shape ...int) *Tensor {
	return &Tensor{Shape: slices.Clone(shape), B: data}
}

// Clone copies the tensor and its elements.
func (t *Tensor) Clone() *Tensor {
	return &Tensor{slices.Clone(t.Shape), slices.Clone(t.F), slices.Clone(t.I), slices.Clone(t.B)}
}

// Len is the number of stored elements.
func (t *Tensor) Len() int { return len(t.F) + len(t.I) + len(t.B) }

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func zeros(shape []int) *Tensor { return Floats(make([]float64, elements(shape)), shape...) }

// like makes a tensor of zeros with the element type of t.
func like(t *Tensor, shape []int) *Tensor {
	out, n := &Tensor{Shape: slices.Clone(shape)}, elements(shape)
	switch {
	case t.I != nil:
		out.I = make([]int64, n)
	case t.B != nil:
		out.B = make([]bool, n)
	default:
		out.F = make([]float64, n)
	}
	return out
}

// set copies element j of src, which has the same element type, to element i.
func (t *Tensor) set(i int, src *Tensor, j int) {
	switch {
	case t.I != nil:
		t.I[i] = src.I[j]
	case t.B != nil:
		t.B[i] = src.B[j]
	default:
		t.F[i] = src.F[j]
	}
}

// check reports how t differs from the type declared by the graph.
func (t *Tensor) check(want ir.Type) error {
	n := want.Elements()
	have := len(t.F)
	switch want.DType {
	case ir.Float, ir.Double, ir.Float16, ir.BFloat16:
	case ir.Int64, ir.Int32, ir.Int8, ir.Uint8:
		have = len(t.I)
	case ir.Bool:
		have = len(t.B)
	default:
		return fmt.Errorf("element type %v is not supported", want.DType)
	}
	if !slices.Equal(t.Shape, want.Shape) || have != n || t.Len() != n {
		return fmt.Errorf("wants %v, got shape %v with %d float, %d int64, %d bool elements",
			want, t.Shape, len(t.F), len(t.I), len(t.B))
	}
	return nil
}

// fromConstant widens a constant; the values of float32 do not change.
func fromConstant(v *ir.Value) (*Tensor, error) {
	c := v.Const
	if c.Bytes != nil {
		return fromBytes(v.Type, c.Bytes)
	}
	t := &Tensor{Shape: slices.Clone(v.Shape), I: slices.Clone(c.Int64), B: slices.Clone(c.Bool)}
	if v.DType == ir.Float || v.DType == ir.Double {
		t.F = make([]float64, len(c.Float))
		for i, x := range c.Float {
			t.F[i] = float64(x)
		}
	}
	if err := t.check(v.Type); err != nil {
		return nil, fmt.Errorf("eval: constant: %w", err)
	}
	return t, nil
}

// unravel writes the coordinates of flat index i in a tensor of the given shape to at.
func unravel(i int, shape, at []int) {
	for a := len(shape) - 1; a >= 0; a-- {
		at[a] = i % shape[a]
		i /= shape[a]
	}
}

// ravel returns the flat index of coordinates.
func ravel(at, shape []int) int {
	i := 0
	for a, d := range shape {
		i = i*d + at[a]
	}
	return i
}
