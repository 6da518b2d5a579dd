package op_test

import (
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestReduceVJP(t *testing.T) { checkCases(t, optest.Reduce()) }

func TestReduceTypes(t *testing.T) {
	wantShape(t, op.ReduceMean{}, "float[2,3]", "float")
	wantShape(t, op.ReduceSumSquare{}, "float[2,3]", "float")
	wantError(t, op.ReduceMean{}, "float[2] float[2]", "reduce mean: takes 1 to 1 inputs, got 2")
	wantError(t, op.ReduceSumSquare{}, "int64[2]",
		"reduce sum of squares: input 0 must be floating point, got int64[2]")
	wantBuildError(t, "float[2,3]", func(x []*ir.Value) { op.ReduceSum{}.Of(x[0], 2) },
		"reduce sum: axis 2 of float[2,3]")
	wantBuildError(t, "int64[2,3]", func(x []*ir.Value) { op.ReduceSum{}.Of(x[0]) },
		"reduce sum: input 0 must be floating point, got int64[2,3]")
	wantError(t, op.ReduceSum{}, "float[2,3] int64[1]",
		"reduce sum: input 1 must be int64[0], got int64[1]")
}
