package op_test

import (
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestShapeVJP(t *testing.T) { checkCases(t, optest.Shape()) }

func TestShapeTypes(t *testing.T) {
	wantShape(t, op.Transpose{Perm: "02134"}, "int64[2,4,3,5,6]", "int64[2,3,4,5,6]")
	wantShape(t, op.Flatten{}, "float[2,3,4]", "float[2,12]")
	wantShape(t, op.Flatten{}, "float[2]", "float[2,1]")
	wantError(t, op.Transpose{Perm: "01"}, "float[2,3,4]",
		"transpose: permutation [0 1] of float[2,3,4]")
	wantError(t, op.Transpose{Perm: "11"}, "float[2,3]", "transpose: [1 1] is not a permutation")
	wantError(t, op.Transpose{Perm: "12"}, "float[2,3]", "transpose: [1 2] is not a permutation")
	wantError(t, op.Flatten{}, "float[2] float[2]", "flatten: takes 1 to 1 inputs, got 2")
	wantBuildError(t, "float[2,3]", func(x []*ir.Value) { op.Reshape{}.To(x[0], 7) },
		"reshape: float[2,3] has 6 elements, float[7] has 7")
	wantBuildError(t, "float[2,3]", func(x []*ir.Value) { op.Expand{}.To(x[0], 2, 4) },
		"expand: float[2,3] does not broadcast to [2 4]")
	wantBuildError(t, "float[2,3]", func(x []*ir.Value) { op.Expand{}.To(x[0], 1, 3) },
		"expand: float[2,3] does not broadcast to [1 3]")
	wantError(t, op.Reshape{}, "float float", "reshape: input 1 must be int64[0], got float")
	wantError(t, op.Expand{}, "float", "expand: takes 2 to 2 inputs, got 1")
}

func TestReshapeToTheSameShapeAddsNothing(t *testing.T) {
	g := ir.New("test")
	x := g.Input("x", ir.T(ir.Float, 2, 3))
	if y := (op.Reshape{}).To(x, 2, 3); y != x || len(g.Nodes) != 0 {
		t.Errorf("added %d nodes", len(g.Nodes))
	}
}
