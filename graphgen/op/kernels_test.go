package op_test

import (
	"testing"

	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestNormalizeVJP(t *testing.T)    { checkCases(t, optest.Normalize()) }
func TestUnitVJP(t *testing.T)         { checkCases(t, optest.Unit()) }
func TestHalvesVJP(t *testing.T)       { checkCases(t, optest.Halves()) }
func TestScaledImagesVJP(t *testing.T) { checkCases(t, optest.ScaledImages()) }
func TestScaledVJP(t *testing.T)       { checkCases(t, optest.Scaled()) }
func TestDirectPoolVJP(t *testing.T)   { checkCases(t, optest.DirectPool()) }

func TestKernelShapes(t *testing.T) {
	unit := op.ReluConvNorm{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1}
	wantShape(t, unit, "float[2,4,9,8] float[24] float[36] _ float[6]",
		"float[2,6,5,4] float[6] float[6]")
	wantShape(t, op.ReluConvNorm{}, "float[2,4,9,8] float[6,4,1,1]", "float[2,6,9,8] float[6] float[6]")
	wantShape(t, op.ReluConvNormGrad{Unit: unit},
		"float[2,6,5,4] float[2,4,9,8] float[6] float[6] float[24] float[36] float",
		"float[2,4,9,8] float[24] float[36] float[1] float[6]")
	wantShape(t, op.Normalize{}, "float[2,4,9,8] _ float[4] float[2,4,9,8]",
		"float[2,4,9,8] float[4] float[4]")
	wantShape(t, op.Dot{}, "float[2,3] float[2,3]", "float[1]")
	wantShape(t, op.DirectMaxPool{Kernel: 2, Stride: 2}, "float[2,4,9,8]", "float[2,4,4,4]")
}

func TestKernelErrors(t *testing.T) {
	unit := op.ReluConvNorm{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1}
	wantError(t, unit, "float[2,4,9,8] float[23] float[36]",
		"relu-conv-norm: weights must be float, a multiple of the 4 channels, got float[23]")
	wantError(t, unit, "float[2,4,9,8] float[24]",
		"relu-conv-norm: depthwise conv: kernel 3 on float[2,4,9,8] needs 36 float weights, got dtype(0)")
	wantError(t, op.ReluConvNorm{}, "float[2,4,9,8] float[24] float[36]",
		"relu-conv-norm: kernel 0, got depthwise weights float[36]")
	wantError(t, unit, "float[2,4,9,8] float[24] float[36] float[2]",
		"relu-conv-norm: scale must be one number or float[6], got float[2]")
	wantError(t, unit, "float[2,4,9,8] float[24] float[36] _ float[4]",
		"relu-conv-norm: bias must be float[6], got float[4]")
	wantError(t, unit, "float[2,4,9,8] float[24] float[36] _ _ float[2,4,9,8]",
		"relu-conv-norm: addend must be float[2,6,9,8], got float[2,4,9,8]")
	wantError(t, op.ReluConvNormGrad{Unit: unit},
		"float[2,5,9,8] float[2,4,9,8] float[6] float[6] float[24] float[36]",
		"relu-conv-norm gradient: dY is float[2,5,9,8], the unit gives float[2,6,9,8]")
	wantError(t, op.Normalize{}, "float[2,4,9,8] float[3]",
		"normalize: scale must be one number or float[4], got float[3]")
	wantError(t, op.NormalizeGrad{}, "float[2,4,9,8] float[2,4,9,7] float[4] float[4]",
		"normalize gradient: dY is float[2,4,9,8], X is float[2,4,9,7]")
	wantError(t, op.Scaled{}, "float[2,4] float[2]",
		"scaled: needs floats and one number, got float[2,4] and float[2]")
	wantError(t, op.Scaled{}, "float[2,4,3,3] float[3,1,1,1]",
		"scaled: needs floats and one number, got float[2,4,3,3] and float[3,1,1,1]")
	wantError(t, op.Dot{}, "float[2,4] float[8]",
		"dot: needs two float tensors of one shape, got float[2,4] and float[8]")
	wantError(t, op.DirectMaxPool{Kernel: 4, Stride: 1}, "float[2,4,9,8]",
		"direct pool: needs float, a window of at most 3, stride 1 or 2, got float[2,4,6,5], 4, 1")
	wantError(t, op.DirectAveragePoolGrad{Pool: op.DirectAveragePool{Kernel: 2, Stride: 2}, Height: 9,
		Width: 8}, "float[2,4,4,5]",
		"direct pool gradient: dY is float[2,4,4,5], the pool gives float[2,4,4,4]")
}
