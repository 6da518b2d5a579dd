package eval_test

import (
	"math"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// IEEE 754 binary16: ties go to the even neighbour, small numbers lose bits, large ones become
// infinite.
func TestCastToFloat16(t *testing.T) {
	in := []float64{1, 1 + 1./2048, 1 + 3./2048, -1. / 3, 1e-7, 2.9e-8, 65504, 65520, -1e9, 0}
	want := []float64{1, 1, 1 + 4./2048, -0.333251953125, math.Ldexp(2, -24), 0, 65504, math.Inf(1),
		math.Inf(-1), 0}
	g := ir.New("half")
	g.Output("y", op.Cast{To: ir.Float16}.Of(g.Input("x", ir.T(ir.Float, len(in)))))
	got := check.Must(eval.Run(g, map[string]*eval.Tensor{"x": eval.Floats(in, len(in))}))(t)["y"].F
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// bfloat16: 8 significant bits, ties to even, the exponents of float32.
func TestCastToBFloat16(t *testing.T) {
	in := []float64{1, 1 + 1./256, 1 + 3./256, -1. / 3, 1e-40, 3e-41, 3.4e38, 1e39, 0, 257}
	want := []float64{1, 1, 1 + 4./256, -0.333984375, math.Ldexp(1, -133), 0, math.Inf(1), math.Inf(1), 0, 256}
	g := ir.New("brain")
	g.Output("y", op.Cast{To: ir.BFloat16}.Of(g.Input("x", ir.T(ir.Float, len(in)))))
	got := check.Must(eval.Run(g, map[string]*eval.Tensor{"x": eval.Floats(in, len(in))}))(t)["y"].F
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConstantsOfBytes(t *testing.T) {
	for _, c := range []struct {
		dtype ir.DType
		bytes []byte
		want  []float64
	}{
		{ir.Int8, []byte{0, 127, 128, 255}, []float64{0, 127, -128, -1}},
		{ir.Uint8, []byte{0, 127, 128, 255}, []float64{0, 127, 128, 255}},
		{ir.Int32, []byte{0, 1, 0, 0, 255, 255, 255, 255}, []float64{256, -1}},
		{ir.Float16, []byte{0, 0x3c, 0x66, 0xae, 1, 0, 0xff, 3}, // the last two are subnormal
			[]float64{1, -0.0999755859375, math.Ldexp(1, -24), math.Ldexp(1023, -24)}},
	} {
		g := ir.New("bytes")
		v := g.Constant(ir.T(c.dtype, len(c.want)), &ir.Constant{Bytes: c.bytes})
		g.Output("y", op.Cast{To: ir.Float}.Of(v))
		if got := check.Must(eval.Run(g, nil))(t)["y"].F; !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.dtype, got, c.want)
		}
	}
}
