package op_test

import (
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

func TestQuantizeTypes(t *testing.T) {
	x, scale, zero := ir.T(ir.Float, 4, 3), ir.T(ir.Float), ir.T(ir.Int8)
	q, axis := op.QuantizeLinear{To: ir.Int8}, op.DequantizeLinear{Axis: 1}
	for _, c := range []struct {
		op   ir.Op
		in   []ir.Type
		want string
	}{
		{op.QuantizeLinear{To: ir.Int32}, []ir.Type{x, scale, zero}, "int8 or uint8, not int32"},
		{q, []ir.Type{x, scale, ir.T(ir.Uint8)}, "zero point int8, got float and uint8"},
		{q, []ir.Type{x, ir.T(ir.Float, 3), zero}, "needs scale float"},
		{q, []ir.Type{x, scale}, "takes 3 to 3 inputs, got 2"},
		{axis, []ir.Type{x, scale, zero}, "must be int8, uint8 or int32, got float[4,3]"},
		{axis, []ir.Type{ir.T(ir.Int8, 4, 3), ir.T(ir.Float, 4), ir.T(ir.Int8, 4)}, "shape [3]"},
		{axis, []ir.Type{ir.T(ir.Int8, 4, 3), scale, ir.T(ir.Int8, 3)}, "shape []"},
		{op.DequantizeLinear{Axis: 2}, []ir.Type{ir.T(ir.Int8, 4, 3), ir.T(ir.Float, 3), zero},
			"axis 2 of int8[4,3]"},
	} {
		_, err := c.op.Infer(c.in)
		check.Error(t, err, c.want)
	}
}
