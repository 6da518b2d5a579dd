package op_test

import (
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestSplitVJP(t *testing.T) { checkCases(t, optest.Split()) }

func TestSplitTypes(t *testing.T) {
	wantShape(t, op.Concat{Axis: 1}, "float[2,3,4] float[2,1,4] float[2,2,4]", "float[2,6,4]")
	wantError(t, op.Concat{Axis: 0}, "", "concat: nothing to join")
	wantError(t, op.Concat{Axis: 2}, "float[2,3]", "concat: axis 2 of float[2,3]")
	wantError(t, op.Concat{Axis: 1}, "float[2,3] float[3,3]",
		"concat: input 1 is float[3,3], input 0 is float[2,3]")
	wantError(t, op.Concat{Axis: 1}, "float[2,3] int64[2,3]",
		"concat: input 1 is int64[2,3], input 0 is float[2,3]")
	wantError(t, op.Slice{Top: 1, Left: 1}, "float[1,1,1,4] int64[2] int64[2] int64[2]",
		"slice: nothing is left of float[1,1,1,4] without 1+0 rows, 1+0 columns")
	wantError(t, op.Slice{Top: 1, Left: 1}, "float[1,1,4,4] int64[2] int64[3] int64[2]",
		"slice: input 2 must be int64[2], got int64[3]")
	wantError(t, op.Pad{Top: -1}, "float[1,1,2,2] int64[8]",
		"pad: -1+0 rows and 0+0 columns must be at least 0")
	wantError(t, op.Pad{Top: 1}, "float[2,2] int64[8]", "pad: input must be NCHW, got float[2,2]")
	wantError(t, op.SliceVector{From: 2, Length: 3}, "float[4] int64[1] int64[1] int64[1]",
		"slice: float[4] has no elements 2 to 5")
	wantError(t, op.PadVector{Before: 2, After: -1}, "float[4] int64[2]",
		"pad: 2 zeros before and -1 after float[4]: a vector and at least 0")
	wantBuildError(t, "float[2,4]", func(x []*ir.Value) { op.Split{}.Of(x[0], 1, 1, 2) },
		"split: pieces [1 2] add up to 3, axis 1 of float[2,4] is longer or shorter")
	wantBuildError(t, "float[2,4]", func(x []*ir.Value) { op.Split{}.Of(x[0], 2, 4) },
		"split: axis 2 of float[2,4]")
}
