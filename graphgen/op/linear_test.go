package op_test

import (
	"testing"

	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestLinearVJP(t *testing.T) { checkCases(t, optest.Linear()) }

func TestLinearTypes(t *testing.T) {
	wantShape(t, op.Gemm{TransB: true}, "float[2,3] float[4,3] float[4]", "float[2,4]")
	wantShape(t, op.Gemm{TransA: true}, "float[3,2] float[3,4]", "float[2,4]")
	wantShape(t, op.MatMul{}, "float[1,5] float[5,1]", "float[1,1]")
	wantError(t, op.Gemm{}, "float[2,3] float[4,3]", "gemm: inner dimensions are 3 and 4")
	wantError(t, op.Gemm{}, "float[2,3] float[3]",
		"gemm: needs matrices, got float[2,3] and float[3]")
	wantError(t, op.Gemm{}, "float[2,3] float[3,4] float[3]", "gemm: bias must be [4], got float[3]")
	wantError(t, op.Gemm{}, "int64[2,3] int64[3,4]",
		"gemm: input 0 must be floating point, got int64[2,3]")
	wantShape(t, op.MatMul{}, "bfloat16[7,1,5] bfloat16[7,5,2]", "bfloat16[7,1,2]")
	wantError(t, op.MatMul{}, "float[7,1,5] float[6,5,2]", "matmul: 7 and 6 matrices")
	wantError(t, op.MatMul{}, "float[7,1,5] float[7,4,2]", "gemm: inner dimensions are 5 and 4")
	wantError(t, op.MatMul{}, "float[2,3] float[3,4] float[4]",
		"matmul: takes 2 to 2 inputs, got 3")
}
