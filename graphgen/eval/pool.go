package eval

import (
	"fmt"

	"zos-ort/graphgen/op"
)

// eachWindow visits the windows of a pool in the order of the outputs and returns the output shape:
// y is the output's flat index, x the flat indices of the inputs inside the image, in scan order. x
// is reused between visits.
func eachWindow(xs []int, kernel, stride, pad int, visit func(y int, x []int)) []int {
	ys := []int{xs[0], xs[1], steps(xs[2], kernel, stride, pad), steps(xs[3], kernel, stride, pad)}
	at, inside := make([]int, 4), make([]int, 0, kernel*kernel)
	for y := range elements(ys) {
		unravel(y, ys, at)
		inside = inside[:0]
		for ky := range kernel {
			for kx := range kernel {
				iy, ix := at[2]*stride-pad+ky, at[3]*stride-pad+kx
				if iy >= 0 && iy < xs[2] && ix >= 0 && ix < xs[3] {
					inside = append(inside, ((at[0]*xs[1]+at[1])*xs[2]+iy)*xs[3]+ix)
				}
			}
		}
		visit(y, inside)
	}
	return ys
}

// maxPool returns the maxima and the flat index of each; of equal maxima the first in scan order.
func maxPool(m op.MaxPool, x *Tensor) []*Tensor {
	var best []int64
	var top []float64
	ys := eachWindow(x.Shape, m.Kernel, m.Stride, m.Pad, func(_ int, in []int) {
		b := in[0]
		for _, i := range in {
			if x.F[i] > x.F[b] {
				b = i
			}
		}
		best, top = append(best, int64(b)), append(top, x.F[b])
	})
	return []*Tensor{Floats(top, ys...), Ints(best, ys...)}
}

func scatterMax(m op.MaxPoolGrad, dy, indices *Tensor) ([]*Tensor, error) {
	dx := zeros([]int{m.N, m.C, m.H, m.W})
	for i, at := range indices.I {
		if at < 0 || at >= int64(len(dx.F)) {
			return nil, fmt.Errorf("index %d is outside of %v", at, dx.Shape)
		}
		dx.F[at] += dy.F[i]
	}
	return one(dx), nil
}

func averagePool(a op.AveragePool, x *Tensor) *Tensor {
	var mean []float64
	ys := eachWindow(x.Shape, a.Kernel, a.Stride, a.Pad, func(_ int, in []int) {
		sum := 0.0
		for _, i := range in {
			sum += x.F[i]
		}
		mean = append(mean, sum/float64(len(in)))
	})
	return Floats(mean, ys...)
}

func averagePoolGrad(a op.AveragePoolGrad, dy *Tensor) *Tensor {
	dx := zeros([]int{a.N, a.C, a.H, a.W})
	eachWindow(dx.Shape, a.Pool.Kernel, a.Pool.Stride, a.Pool.Pad, func(y int, in []int) {
		for _, i := range in {
			dx.F[i] += dy.F[y] / float64(len(in))
		}
	})
	return dx
}

func globalAveragePool(x *Tensor) *Tensor {
	y := zeros([]int{x.Shape[0], x.Shape[1], 1, 1})
	pixels := x.Shape[2] * x.Shape[3]
	for i, v := range x.F {
		y.F[i/pixels] += v / float64(pixels)
	}
	return y
}
