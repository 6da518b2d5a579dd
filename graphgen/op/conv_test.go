package op_test

import (
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestConvVJP(t *testing.T) { checkCases(t, optest.Conv()) }

func TestConvShape(t *testing.T) {
	sep := op.Conv{Kernel: 5, Stride: 2, Pad: 2, Dilation: 1, Group: 8}
	dil := op.Conv{Kernel: 5, Stride: 2, Pad: 4, Dilation: 2, Group: 8}
	point := op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 1}
	wantShape(t, sep, "float[2,8,32,31] float[8,1,5,5]", "float[2,8,16,16]")
	wantShape(t, dil, "float[2,8,32,31] float[8,1,5,5]", "float[2,8,16,16]")
	wantShape(t, point, "float[2,8,5,4] float[3,8,1,1]", "float[2,3,5,4]")
	wantShape(t, op.ConvGrad{Conv: point}, "float[2,3,5,4] float[2,8,5,4] float[3,8,1,1]",
		"float[2,8,5,4] float[3,8,1,1]")
}

func TestConvErrors(t *testing.T) {
	c := op.Conv{Kernel: 3, Stride: 1, Pad: 0, Dilation: 1, Group: 1}
	with := func(f func(c *op.Conv)) op.Conv { d := c; f(&d); return d }
	wantError(t, c, "float[2,16,8,8]", "conv: takes 2 to 3 inputs, got 1")
	wantError(t, c, "_ float[4,4,3,3]", "conv: input 0 is missing")
	wantError(t, c, "float[16,8] float[4,4,3,3]", "conv: input must be NCHW, got float[16,8]")
	wantError(t, c, "int64[1,4,8,8] float[4,4,3,3]",
		"conv: input 0 must be floating point, got int64[1,4,8,8]")
	wantError(t, c, "float[2,16,8,8] float[4,24,3,3]",
		"conv: input has 16 channels, weight wants 24")
	wantError(t, c, "float[2,4,8,8] float[4,4,5,5]", "conv: kernel is 3, weight is float[4,4,5,5]")
	wantError(t, c, "float[2,4,8,8] float[4,4,3]",
		"conv: weight must be [M,C/group,k,k] of the input's type, got float[4,4,3]")
	wantError(t, c, "float[2,4,2,8] float[4,4,3,3]",
		"conv: kernel 3, dilation 1, pad 0 does not fit into float[2,4,2,8]")
	wantError(t, with(func(c *op.Conv) { c.Group = 2 }), "float[2,4,8,8] float[5,2,3,3]",
		"conv: 5 filters do not split into 2 groups")
	wantError(t, with(func(c *op.Conv) { c.Stride = 0 }), "float[2,4,8,8] float[4,4,3,3]",
		"conv: kernel 3, stride 0, dilation 1, groups 1 must be at least 1, pad 0 at least 0")
	wantError(t, c, "float[2,4,8,8] float[4,4,3,3] float[4]", "conv: bias is false, got 3 inputs")
	wantError(t, with(func(c *op.Conv) { c.Bias = true }), "float[2,4,8,8] float[5,4,3,3] float[4]",
		"conv: bias must be float[5], got float[4]")
	wantError(t, op.ConvGrad{Conv: c}, "float[2,4,8,8] float[2,4,8,8] float[4,4,3,3]",
		"conv gradient: dY is float[2,4,8,8], the convolution gives float[2,4,6,6]")
	wantBuildError(t, "float[1,2,3,3] float[2,2,3,3] float[2] float[1,2,1,1]", func(x []*ir.Value) {
		y := c.OfBias(x[0], x[1], x[2])
		y.Def.Op.(op.Conv).VJP(ir.Pullback{Node: y.Def, Dy: x[3:], Need: []bool{true, true, true}})
	}, "conv: a convolution with bias is for deployment and has no gradient")
}
