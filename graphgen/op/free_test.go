package op_test

import (
	"strings"
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

// The forms for any batch size compute the same as the others.
func TestFreeGradients(t *testing.T) {
	compared := 0
	for _, c := range optest.Free() {
		g := c.Graph()
		out := run(t, g.Graph, c.Values(g))
		if len(g.Out) < 2 {
			continue
		}
		compared++
		for i, got := range out["y0"].F {
			if want := out["y1"].F[i]; got-want > 1e-12 || want-got > 1e-12 {
				t.Errorf("%s: element %d is %g, want %g", c.Name, i, got, want)
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d cases compared", compared)
	}
}

func TestFreeTypes(t *testing.T) {
	depthwise := op.Conv{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1, Group: 4}
	wantShape(t, op.Shape{}, "float[2,3]", "int64[2]")
	wantShape(t, op.GatherElementsGrad{Length: 9}, "float[4] int64[1] int64[4]", "float[9]")
	wantShape(t, op.ConvTranspose{Conv: depthwise, Height: 7, Width: 8},
		"float[2,4,4,4] float[4,1,3,3]", "float[2,4,7,8]")
	wantError(t, op.GatherElementsGrad{Length: 9}, "float[2,2] int64[1] int64[4]",
		"gather elements gradient: dY must be a vector, got float[2,2]")
	wantError(t, op.ConvTranspose{Conv: depthwise, Height: 9, Width: 8}, "float[2,4,4,4] float[4,1,3,3]",
		"transposed conv: dY is float[2,4,4,4], the convolution of float[2,4,9,8] gives float[2,4,5,4]")
	wantError(t, op.ConvTranspose{Conv: depthwise, Height: 8, Width: 8}, "float[2,4,4,4] float[4,3,3]",
		"transposed conv: weight must be [M,C/group,k,k], got float[4,3,3]")
}

// The output padding is the rest of the input, where the windows do not reach its end.
func TestConvTransposePadding(t *testing.T) {
	c := op.ConvTranspose{Conv: op.Conv{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1, Group: 1}, Height: 7,
		Width: 8}
	for _, a := range c.Attrs() {
		if v, ok := a.Value.([]int); ok && strings.HasPrefix(a.Name, "output_") {
			if v[0] != 0 || v[1] != 1 {
				t.Errorf("%s of 7x8 is %v, want [0 1]", a.Name, v)
			}
			return
		}
	}
	t.Errorf("no output padding among %v", []ir.Attr(c.Attrs()))
}
