package op_test

import (
	"testing"

	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestNormVJP(t *testing.T) { checkCases(t, optest.Norm()) }

func TestNormShape(t *testing.T) {
	const in = "float[2,3,8,7] float[3] float[3] float[3] float[3]"
	wantShape(t, op.BatchNormTraining{}, in, "float[2,3,8,7] float[3] float[3] float[3] float[3]")
	wantShape(t, op.BatchNorm{}, in, "float[2,3,8,7]")
	wantShape(t, op.BatchNormGrad{}, "float[2,3,8,7] float[2,3,8,7] float[3] float[3] float[3]",
		"float[2,3,8,7] float[3] float[3]")
}

func TestNormErrors(t *testing.T) {
	wantError(t, op.BatchNormTraining{}, "float[2,3,8,7] float[3]",
		"batch norm: takes 5 to 5 inputs, got 2")
	wantError(t, op.BatchNormTraining{}, "float[2,3,8,7] float[3] float[3] float[4] float[3]",
		"batch norm: input 3 must be float[3] for float[2,3,8,7], got float[4]")
	wantError(t, op.BatchNorm{}, "float[2,3] float[3] float[3] float[3] float[3]",
		"batch norm: input must be NCHW, got float[2,3]")
	wantError(t, op.BatchNorm{}, "float[2,3,1,1] float[3] _ float[3] float[3]",
		"batch norm: input 2 is missing")
	wantError(t, op.BatchNormGrad{}, "float[2,3,8,8] float[2,3,8,7] float[3] float[3] float[3]",
		"batch norm gradient: dY is float[2,3,8,8], X is float[2,3,8,7]")
	wantError(t, op.BatchNormGrad{}, "float[2,3,8,7] float[2,3,8,7] float[2] float[3] float[3]",
		"batch norm gradient: input 2 must be float[3] for float[2,3,8,7], got float[2]")
}
