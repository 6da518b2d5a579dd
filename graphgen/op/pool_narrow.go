package op

import (
	bytes "encoding/binary"
	"math"

	"zos-ort/graphgen/ir"
)

// Nearby narrows the indices of a MaxPool of x to one byte each: the distance of the maximum from
// the middle of its window. The middles are the same for all channels and images, apart from the
// offset of each.
type Nearby struct{ windows, images *ir.Value }

// CanNarrow reports whether a byte holds every distance within a window of x, and 32 bits hold
// every index.
func (m MaxPool) CanNarrow(x *ir.Value) bool {
	reach := max(m.Pad, m.Kernel-1-m.Pad)
	return reach*(x.Shape[3]+1) <= math.MaxInt8 && x.Elements() <= math.MaxInt32
}

// Nearby adds the constants for pools of tensors such as x: the index of the middle of every window
// of the first image, and the index of the first pixel of every image.
func (m MaxPool) Nearby(x *ir.Value) Nearby {
	g, s := x.Graph(), x.Shape
	y, err := m.Infer([]ir.Type{x.Type})
	if err != nil {
		g.Fail("%w", err)
	}
	n := y[0].Shape
	var windows, images []byte
	number := func(list []byte, i int) []byte { return bytes.LittleEndian.AppendUint32(list, uint32(i)) }
	for channel := range n[1] {
		for row := range n[2] {
			for column := range n[3] {
				windows = number(windows, (channel*s[2]+row*m.Stride)*s[3]+column*m.Stride)
			}
		}
	}
	for i := range n[0] {
		images = number(images, i*s[1]*s[2]*s[3])
	}
	return Nearby{g.Constant(ir.T(ir.Int32, 1, n[1], n[2], n[3]), &ir.Constant{Bytes: windows}),
		g.Constant(ir.T(ir.Int32, n[0], 1, 1, 1), &ir.Constant{Bytes: images})}
}

// Narrow returns the distance of every index as an int8.
func (b Nearby) Narrow(indices *ir.Value) *ir.Value {
	i := Cast{ir.Int32}.Of(indices)
	return Cast{ir.Int8}.Of(Sub{}.Of(Sub{}.Of(i, b.windows), b.images))
}

// Widen returns the indices of the distances.
func (b Nearby) Widen(distances *ir.Value) *ir.Value {
	d := Cast{ir.Int32}.Of(distances)
	return Cast{ir.Int64}.Of(Add{}.Of(Add{}.Of(d, b.windows), b.images))
}
