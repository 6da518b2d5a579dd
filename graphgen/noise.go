package graphgen

import (
	"math/rand/v2"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/port"
)

// noiseShift is the distance in the input noise between what two operations see, a prime number so that their
// neighbours in a tensor are not the same.
const noiseShift = 10007

// noise gives out the numbers of the input noise: every operation takes a stretch of it. The stretches overlap, so that
// the input is little larger than the largest one, but no operation sees a number where another one sees it.
type noise struct {
	input *ir.Value
	count int // of stretches given out
	need  int // elements that the stretches reach
}

// stretch is where the next n numbers begin.
func (s *noise) stretch(n int) (from int) {
	from = s.count * noiseShift
	s.count++
	s.need = max(s.need, from+n)
	return from
}

// Noise is a tensor of independent standard normal numbers with the shape of x, height and width divided by the stride.
// Programs that train or rank take the numbers as the input noise[n], which the host draws anew for every batch. In
// evaluation, and in graphs for others to run, they are constants, the same for every image. The result depends on x, with
// a factor of 0, so that what comes before is computed as in any other network, whose running statistics it updates.
func (n *Net) Noise(x *ir.Value, stride int) *ir.Value {
	if stride > 1 {
		x = op.AveragePool{Kernel: stride, Stride: stride}.Of(x)
	}
	return op.Add{}.Of(op.Mul{}.Of(x, n.G.Scalar(0)), n.numbers(x.Shape))
}

// numbers are those of a noise of a shape.
func (n *Net) numbers(shape []int) *ir.Value {
	size := ir.T(ir.Float, shape...).Elements()
	switch {
	case n.place == nil && n.frozen == nil: // learning the layouts
		n.noise.stretch(size)
		return n.G.Input(n.G.Scope()+"/"+port.Noise, ir.T(ir.Float, shape...))
	case n.Mode == Eval || n.noise.need == 0:
		return n.constantNumbers(shape)
	case n.noise.input == nil:
		n.noise.input = n.G.Input(port.Noise, ir.T(ir.Float, n.noise.need))
	}
	y := op.SliceVector{From: n.noise.stretch(size), Length: size}.Of(n.noise.input)
	return op.Reshape{}.To(y, shape...)
}

// constantNumbers are those for any number of images.
func (n *Net) constantNumbers(shape []int) *ir.Value {
	n.noise.count++
	rng := rand.New(rand.NewPCG(noiseShift, uint64(n.noise.count)))
	v := make([]float32, shape[1]*shape[2]*shape[3])
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return n.G.Floats(v, 1, shape[1], shape[2], shape[3])
}
