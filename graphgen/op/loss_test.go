package op_test

import (
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestLossVJP(t *testing.T) { checkCases(t, optest.Loss()) }

func TestLossTypes(t *testing.T) {
	wantShape(t, op.Softmax{}, "float[4,10]", "float[4,10]")
	wantShape(t, op.SoftmaxGrad{}, "float[4,10] float[4,10]", "float[4,10]")
	wantShape(t, op.CrossEntropy{}, "float[4,10] int64[4]", "float float[4,10]")
	wantShape(t, op.CrossEntropyGrad{}, "float float[4,10] int64[4]", "float[4,10]")
	wantError(t, op.Softmax{}, "float", "softmax: needs at least one axis, got float")
	wantError(t, op.SoftmaxGrad{}, "float[4,9] float[4,10]",
		"softmax gradient: dY is float[4,9], Y is float[4,10]")
	wantError(t, op.CrossEntropy{}, "float[4,10] int64[5]",
		"cross entropy: needs scores [B,K] and int64 labels [B], got float[4,10] and int64[5]")
	wantError(t, op.CrossEntropy{}, "float[4] int64[4]",
		"cross entropy: needs scores [B,K] and int64 labels [B], got float[4] and int64[4]")
	wantError(t, op.CrossEntropyGrad{}, "float[2] float[4,10] int64[4]",
		"cross entropy gradient: dL must be a scalar, got float[2]")
	wantBuildError(t, "float[4,10] int64[4]", func(x []*ir.Value) {
		n := op.CrossEntropy{}.Of(x[0], x[1]).Def
		op.CrossEntropy{}.VJP(ir.Pullback{Node: n, Dy: n.Out, Need: []bool{true, false}})
	}, "cross entropy: no gradient through the log-probabilities")
}
