package eval

import (
	little "encoding/binary"
	"fmt"
	"math"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// quantize rounds half to even and saturates.
func quantize(o op.QuantizeLinear, x, scale, zero *Tensor) *Tensor {
	lowest, highest := -128.0, 127.0
	if o.To == ir.Uint8 {
		lowest, highest = 0, 255
	}
	q := make([]int64, len(x.F))
	for i, v := range x.F {
		steps := math.RoundToEven(v/scale.F[0]) + float64(zero.I[0])
		q[i] = int64(min(max(steps, lowest), highest))
	}
	return Ints(q, x.Shape...)
}

// dequantize uses the scale and zero point at the element's position along the axis, or the
// scalars.
func dequantize(o op.DequantizeLinear, x, scale, zero *Tensor) *Tensor {
	y, at := zeros(x.Shape), make([]int, len(x.Shape))
	for i, q := range x.I {
		c := 0
		if len(scale.Shape) > 0 {
			unravel(i, x.Shape, at)
			c = at[o.Axis]
		}
		y.F[i] = scale.F[c] * float64(q-zero.I[c])
	}
	return y
}

// extreme is the least or the greatest of all elements.
func extreme(x *Tensor, of func([]float64) float64) *Tensor { return Floats([]float64{of(x.F)}) }

// half rounds to the nearest number that binary16 holds: 11 significant bits, least exponent -14,
// below it steps of 2^-24; 65520 or more becomes infinite.
func half(x float64) float64 {
	_, exponent := math.Frexp(x) // x = f 2^exponent, f in [1/2,1)
	step := math.Ldexp(1, max(exponent-11, -24))
	y := math.RoundToEven(x/step) * step
	if math.Abs(y) > 65504 {
		return math.Inf(int(math.Copysign(1, x)))
	}
	return y
}

// brain rounds to the nearest numbers that bfloat16 holds, half to even: 8 significant bits, least
// exponent -126, below it steps of 2^-133; anything that rounds to 2^128 or more becomes infinite.
func brain(x *Tensor) *Tensor {
	y := zeros(x.Shape)
	for i, v := range x.F {
		_, exponent := math.Frexp(v) // v = f 2^exponent, f in [1/2,1)
		step := math.Ldexp(1, max(exponent-8, -133))
		y.F[i] = math.RoundToEven(v/step) * step
		if math.Abs(y.F[i]) >= math.Ldexp(1, 128) {
			y.F[i] = math.Inf(int(math.Copysign(1, v)))
		}
	}
	return y
}

// fromBytes reads the little-endian constants that have no Go type of their own in package ir.
func fromBytes(want ir.Type, raw []byte) (*Tensor, error) {
	t := &Tensor{Shape: slices.Clone(want.Shape)}
	for b := range slices.Chunk(raw, want.DType.Size()) {
		switch want.DType {
		case ir.Int8:
			t.I = append(t.I, int64(int8(b[0])))
		case ir.Uint8:
			t.I = append(t.I, int64(b[0]))
		case ir.Int32:
			t.I = append(t.I, int64(int32(little.LittleEndian.Uint32(b))))
		case ir.Float16:
			t.F = append(t.F, fromHalf(little.LittleEndian.Uint16(b)))
		default:
			return nil, fmt.Errorf("eval: constant %v has raw bytes, which are not supported", want)
		}
	}
	if err := t.check(want); err != nil {
		return nil, fmt.Errorf("eval: constant: %w", err)
	}
	return t, nil
}

// fromHalf is the finite number that a binary16 encodes.
func fromHalf(bits uint16) float64 {
	fraction, exponent := float64(bits&0x3ff), int(bits>>10&0x1f)
	if exponent > 0 {
		fraction, exponent = fraction+1024, exponent-1
	}
	if bits&0x8000 != 0 {
		fraction = -fraction
	}
	return math.Ldexp(fraction, exponent-24)
}
