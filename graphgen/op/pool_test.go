package op_test

import (
	"testing"

	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

func TestPoolVJP(t *testing.T) { checkCases(t, optest.Pool()) }

func TestPoolShape(t *testing.T) {
	half := op.MaxPool{Kernel: 3, Stride: 2, Pad: 1}
	head := op.AveragePool{Kernel: 5, Stride: 3}
	wantShape(t, half, "float[2,3,8,7]", "float[2,3,4,4] int64[2,3,4,4]")
	wantShape(t, op.MaxPool{Kernel: 2, Stride: 2}, "float[2,3,8,7]", "float[2,3,4,3] int64[2,3,4,3]")
	wantShape(t, head, "float[2,3,8,8]", "float[2,3,2,2]")
	wantShape(t, op.GlobalAveragePool{}, "float[2,3,8,7]", "float[2,3,1,1]")
	wantShape(t, op.MaxPoolGrad{Pool: half, N: 2, C: 3, H: 8, W: 7}, "float[2,3,4,4] int64[2,3,4,4]",
		"float[2,3,8,7]")
	wantShape(t, op.AveragePoolGrad{Pool: head, N: 2, C: 3, H: 8, W: 8}, "float[2,3,2,2]",
		"float[2,3,8,8]")
}

func TestPoolErrors(t *testing.T) {
	head := op.AveragePool{Kernel: 5, Stride: 3}
	wantError(t, head, "float[2,3,4,8]",
		"average pool: window 5 with pad 0 does not fit into float[2,3,4,8]")
	wantError(t, op.MaxPool{Kernel: 3, Stride: 1, Pad: 3}, "float[2,3,4,8]",
		"max pool: window 3 and stride 1 must be at least 1, pad 3 less than the window")
	wantError(t, op.MaxPool{Kernel: 3}, "float[2,3,4,8]",
		"max pool: window 3 and stride 0 must be at least 1, pad 0 less than the window")
	wantError(t, head, "float[3,8,8]", "average pool: input must be NCHW, got float[3,8,8]")
	wantError(t, head, "float[2,3,8,8] float", "average pool: takes 1 to 1 inputs, got 2")
	wantError(t, op.GlobalAveragePool{}, "float[2,3]",
		"global average pool: input must be NCHW, got float[2,3]")
	wantError(t, op.MaxPoolGrad{Pool: op.MaxPool{Kernel: 2, Stride: 2}, N: 1, C: 1, H: 4, W: 4},
		"float[1,1,4,4] int64[1,1,2,2]",
		"max pool gradient: dY is float[1,1,4,4], indices int64[1,1,2,2], the pool gives float[1,1,2,2]")
	wantError(t, op.AveragePoolGrad{Pool: head, N: 1, C: 1, H: 8, W: 8}, "float[1,1,3,3]",
		"average pool gradient: dY is float[1,1,3,3], the pool gives float[1,1,2,2]")
}
