package op_test

import (
	"testing"

	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestElementwiseVJP(t *testing.T) { checkCases(t, optest.Elementwise()) }

func TestElementwiseTypes(t *testing.T) {
	wantShape(t, op.Add{}, "float[2,1,4] float[3,1]", "float[2,3,4]")
	wantShape(t, op.Sub{}, "float float[3,1]", "float[3,1]")
	wantShape(t, op.Sub{}, "int32[2,1] int32[3]", "int32[2,3]")
	wantError(t, op.Add{}, "int32[2,3] int32[2]", "add: shapes [2 3] and [2] do not broadcast")
	wantError(t, op.Add{}, "int32[2] float[2]", "add: element types differ: int32[2] and float[2]")
	wantShape(t, op.Mul{}, "float[1] float", "float[1]")
	wantShape(t, op.Sqrt{}, "float[2]", "float[2]")
	wantError(t, op.Add{}, "float[2,3] float[2]", "add: shapes [2 3] and [2] do not broadcast")
	wantError(t, op.Sub{}, "float[2] float[2,3]", "sub: shapes [2] and [2 3] do not broadcast")
	wantError(t, op.Mul{}, "float[2] double[2]",
		"mul: element types differ: float[2] and double[2]")
	wantError(t, op.Div{}, "int64[2] int64[2]", "div: input 0 must be floating point, got int64[2]")
	wantError(t, op.Max{}, "float[2]", "max: takes 2 to 2 inputs, got 1")
	wantError(t, op.Sqrt{}, "bool[2]", "sqrt: input 0 must be floating point, got bool[2]")
}
