package op_test

import (
	"testing"

	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestDepthwiseVJP(t *testing.T) { checkCases(t, optest.Depthwise()) }

func TestDepthwiseShape(t *testing.T) {
	c := op.DepthwiseConv{Kernel: 5, Stride: 2, Pad: 4, Dilation: 2}
	wantShape(t, c, "float[2,8,32,31] float[8,1,5,5]", "float[2,8,16,16]")
	wantShape(t, c, "float[2,8,32,31] float[200]", "float[2,8,16,16]")
	wantShape(t, op.DepthwiseGradInput{Conv: c, Height: 32, Width: 31},
		"float[2,8,16,16] float[200]", "float[2,8,32,31]")
	wantShape(t, op.DepthwiseGradWeight{Conv: c}, "float[2,8,16,16] float[2,8,32,31]", "float[200]")
}

func TestDepthwiseErrors(t *testing.T) {
	c := op.DepthwiseConv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1}
	with := func(f func(c *op.DepthwiseConv)) op.DepthwiseConv { d := c; f(&d); return d }
	wantError(t, c, "float[2,8,9,9]", "depthwise conv: takes 2 to 2 inputs, got 1")
	wantError(t, c, "float[8,9] float[72]", "depthwise conv: input must be NCHW, got float[8,9]")
	wantError(t, c, "double[2,8,9,9] double[72]",
		"depthwise conv: input must be float, got double[2,8,9,9]")
	wantError(t, c, "float[2,8,9,9] float[71]",
		"depthwise conv: kernel 3 on float[2,8,9,9] needs 72 float weights, got float[71]")
	wantError(t, with(func(c *op.DepthwiseConv) { c.Kernel = 8 }), "float[2,8,9,9] float[512]",
		"depthwise conv: kernel 8 must be 1 to 7, stride 1 and dilation 1 1 or 2, pad 1 at least 0")
	wantError(t, with(func(c *op.DepthwiseConv) { c.Pad = 0 }), "float[2,8,2,9] float[72]",
		"depthwise conv: kernel 3, dilation 1, pad 0 does not fit into float[2,8,2,9]")
	wantError(t, op.DepthwiseGradInput{Conv: c, Height: 8, Width: 9}, "float[2,8,9,9] float[72]",
		"depthwise conv gradient: dY is float[2,8,9,9], the convolution gives float[2,8,8,9]")
	wantError(t, op.DepthwiseGradWeight{Conv: c}, "float[2,8,9,9] float[2,8,9]",
		"depthwise conv: input must be NCHW, got float[2,8,9]")
}
