package op_test

import (
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

func TestMetricTypes(t *testing.T) {
	wantShape(t, op.ArgMax{}, "float[4,10]", "int64[4]")
	wantShape(t, op.Equal{}, "int64[4] int64[4]", "bool[4]")
	wantShape(t, op.Cast{To: ir.Float}, "bool[4]", "float[4]")
	wantShape(t, op.Overwrite{}, "float[4] float[4] bool[1]", "bool[1]")
	wantError(t, op.ArgMax{}, "float[4]", "argmax: needs [B,K], got float[4]")
	wantError(t, op.Equal{}, "int64[4] int64[5]", "equal: types differ: int64[4] and int64[5]")
	wantError(t, op.Cast{To: ir.Float}, "", "cast: takes 1 to 1 inputs, got 0")
	wantError(t, op.Overwrite{}, "float[4] float[5] bool[1]",
		"overwrite: buffer is float[4], value is float[5]")
	wantError(t, op.Overwrite{}, "float[4] float[4]", "overwrite: takes 3 to 3 inputs, got 2")
}
