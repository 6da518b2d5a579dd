package eval

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// broadcastShape is the common shape of a and b, aligned at the last axis.
func broadcastShape(a, b []int) []int {
	out := make([]int, max(len(a), len(b)))
	for i := range out {
		out[i] = 1
		for _, s := range [][]int{a, b} {
			if j := i - len(out) + len(s); j >= 0 && s[j] != 1 {
				out[i] = s[j]
			}
		}
	}
	return out
}

// broadcastIndex maps a flat index into shape out to the flat index into the operand that is
// broadcast to it.
func broadcastIndex(operand, out []int) func(i int) int {
	switch {
	case slices.Equal(operand, out):
		return func(i int) int { return i }
	case elements(operand) == 1:
		return func(int) int { return 0 }
	}
	at := make([]int, len(out))
	return func(i int) int {
		unravel(i, out, at)
		flat := 0
		for a, d := range operand {
			flat *= d
			if d != 1 {
				flat += at[len(out)-len(operand)+a]
			}
		}
		return flat
	}
}

func binary(in []*Tensor, f func(x, y float64) float64) *Tensor {
	out := zeros(broadcastShape(in[0].Shape, in[1].Shape))
	x, y := broadcastIndex(in[0].Shape, out.Shape), broadcastIndex(in[1].Shape, out.Shape)
	for i := range out.F {
		out.F[i] = f(in[0].F[x(i)], in[1].F[y(i)])
	}
	return out
}

// binaryInts is binary for tensors of whole numbers.
func binaryInts(in []*Tensor, f func(x, y int64) int64) *Tensor {
	shape := broadcastShape(in[0].Shape, in[1].Shape)
	out := Ints(make([]int64, elements(shape)), shape...)
	x, y := broadcastIndex(in[0].Shape, shape), broadcastIndex(in[1].Shape, shape)
	for i := range out.I {
		out.I[i] = f(in[0].I[x(i)], in[1].I[y(i)])
	}
	return out
}

func each(x *Tensor, f func(float64) float64) *Tensor {
	y := zeros(x.Shape)
	for i, v := range x.F {
		y.F[i] = f(v)
	}
	return y
}

func relu(x *Tensor) *Tensor {
	y := zeros(x.Shape)
	for i, v := range x.F {
		if v > 0 {
			y.F[i] = v
		}
	}
	return y
}

func reluGrad(dy, y *Tensor) *Tensor {
	dx := zeros(y.Shape)
	for i, v := range y.F {
		if v > 0 {
			dx.F[i] = dy.F[i]
		}
	}
	return dx
}

// argMax is the first largest element of every row.
func argMax(x *Tensor) *Tensor {
	k := x.Shape[1]
	best := make([]int64, x.Shape[0])
	for r := range best {
		row := x.F[r*k : (r+1)*k]
		for j, v := range row {
			if v > row[best[r]] {
				best[r] = int64(j)
			}
		}
	}
	return Ints(best, x.Shape[0])
}

func equal(x, y *Tensor) *Tensor {
	b := make([]bool, x.Len())
	for i := range b {
		switch {
		case x.I != nil:
			b[i] = x.I[i] == y.I[i]
		case x.B != nil:
			b[i] = x.B[i] == y.B[i]
		default:
			b[i] = x.F[i] == y.F[i]
		}
	}
	return Bools(b, x.Shape...)
}

// number is element i as a float64; false is 0 and true is 1.
func (t *Tensor) number(i int) float64 {
	switch {
	case t.I != nil:
		return float64(t.I[i])
	case t.B != nil && t.B[i]:
		return 1
	case t.B != nil:
		return 0
	default:
		return t.F[i]
	}
}

func cast(to ir.DType, x *Tensor) (*Tensor, error) {
	n := x.Len()
	out := &Tensor{Shape: slices.Clone(x.Shape)}
	switch to {
	case ir.Float, ir.Double, ir.Float16, ir.BFloat16:
		out.F = make([]float64, n)
	case ir.Int64, ir.Int32, ir.Int8:
		out.I = make([]int64, n)
	case ir.Bool:
		out.B = make([]bool, n)
	default:
		return nil, fmt.Errorf("cast to %v is not supported", to)
	}
	for i := range n {
		switch v := x.number(i); to {
		case ir.Int64:
			out.I[i] = int64(v)
		case ir.Int32:
			out.I[i] = int64(int32(int64(v)))
		case ir.Int8:
			out.I[i] = int64(int8(int64(v)))
		case ir.Bool:
			out.B[i] = v != 0
		case ir.Float16:
			out.F[i] = half(v)
		default:
			out.F[i] = v
		}
	}
	return out, nil
}
