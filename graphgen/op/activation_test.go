package op_test

import (
	"testing"

	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestActivationVJP(t *testing.T) { checkCases(t, optest.Activation()) }

func TestActivationTypes(t *testing.T) {
	wantShape(t, op.Relu{}, "float[2,3]", "float[2,3]")
	wantShape(t, op.ReluGrad{}, "float[2,3] float[2,3]", "float[2,3]")
	wantError(t, op.Relu{}, "float[2] float[2]", "relu: takes 1 to 1 inputs, got 2")
	wantError(t, op.Relu{}, "int64[2]", "relu: input 0 must be floating point, got int64[2]")
	wantError(t, op.ReluGrad{}, "float[2,3] float[3,2]",
		"relu gradient: dY is float[2,3], Y is float[3,2]")
}
