package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// Gemm is op(A) op(B) (+ C), where op transposes if asked to. A and B are matrices; C[N] is
// optional. https://onnx.ai/onnx/operators/onnx__Gemm.html
type Gemm struct{ TransA, TransB bool }

// MatMul is the product of two matrices, or of each pair in two equal stacks. It serves for dot
// products and single-pixel convolutions, and has no gradient here.
// https://onnx.ai/onnx/operators/onnx__MatMul.html
type MatMul struct{}

func (Gemm) OpType() (string, string)   { return ir.Onnx, "Gemm" }
func (MatMul) OpType() (string, string) { return ir.Onnx, "MatMul" }

// Attrs are transA and transB.
func (m Gemm) Attrs() []ir.Attr {
	b := map[bool]int{true: 1}
	return []ir.Attr{{Name: "transA", Value: b[m.TransA]}, {Name: "transB", Value: b[m.TransB]}}
}

func (MatMul) Attrs() []ir.Attr { return nil }

func matrix(t ir.Type, trans bool) (rows, cols int) {
	if trans {
		return t.Shape[1], t.Shape[0]
	}
	return t.Shape[0], t.Shape[1]
}

// Infer checks the inner dimensions and the length of C.
func (m Gemm) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("gemm", in, 2, 3); err != nil {
		return nil, err
	}
	if in[0].Rank() != 2 || in[1].Rank() != 2 {
		return nil, fmt.Errorf("gemm: needs matrices, got %v and %v", in[0], in[1])
	}
	r, k := matrix(in[0], m.TransA)
	k2, c := matrix(in[1], m.TransB)
	if k != k2 {
		return nil, fmt.Errorf("gemm: inner dimensions are %d and %d", k, k2)
	}
	if len(in) == 3 && !in[2].Equal(ir.T(in[0].DType, c)) {
		return nil, fmt.Errorf("gemm: bias must be [%d], got %v", c, in[2])
	}
	return []ir.Type{ir.T(in[0].DType, r, c)}, float("gemm", in...)
}

// Infer checks the inner dimension, and for [P,M,K] and [P,K,N] the number of pairs.
func (MatMul) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("matmul", in, 2, 2); err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	if a.Rank() != 3 || b.Rank() != 3 {
		return Gemm{}.Infer(in)
	}
	if a.Shape[0] != b.Shape[0] {
		return nil, fmt.Errorf("matmul: %d and %d matrices", a.Shape[0], b.Shape[0])
	}
	one, err := Gemm{}.Infer([]ir.Type{ir.T(a.DType, a.Shape[1:]...), ir.T(b.DType, b.Shape[1:]...)})
	if err != nil {
		return nil, err
	}
	return []ir.Type{ir.T(a.DType, append([]int{a.Shape[0]}, one[0].Shape...)...)}, nil
}

// Of adds op(a) op(b), plus c in every row if c is given.
func (m Gemm) Of(a, b *ir.Value, c ...*ir.Value) *ir.Value {
	return a.Graph().Add1(m, append([]*ir.Value{a, b}, c...)...)
}

// Of adds the product.
func (m MatMul) Of(a, b *ir.Value) *ir.Value { return a.Graph().Add1(m, a, b) }

// VJP of Y = op(A) op(B) + C: dop(A) = dY op(B)', dop(B) = op(A)' dY, dC = the column sums of dY.
func (m Gemm) VJP(p ir.Pullback) []*ir.Value {
	dy, dx := p.Dy[0], make([]*ir.Value, len(p.Node.In))
	if p.Need[0] {
		if m.TransA {
			dx[0] = Gemm{m.TransB, true}.Of(p.In(1), dy)
		} else {
			dx[0] = Gemm{false, !m.TransB}.Of(dy, p.In(1))
		}
	}
	if p.Need[1] {
		if m.TransB {
			dx[1] = Gemm{true, m.TransA}.Of(dy, p.In(0))
		} else {
			dx[1] = Gemm{!m.TransA, false}.Of(p.In(0), dy)
		}
	}
	if len(dx) == 3 && p.Need[2] {
		dx[2] = Reshape{}.To(ReduceSum{}.Of(dy, 0), p.In(2).Shape...)
	}
	return dx
}
