package eval

import (
	"fmt"

	"zos-ort/graphgen/op"
)

func shapeOf(x *Tensor) *Tensor {
	d := make([]int64, len(x.Shape))
	for i, n := range x.Shape {
		d[i] = int64(n)
	}
	return Ints(d, len(d))
}

// scatterAdd adds dy[i] at indices[i] of n zeros.
func scatterAdd(dy *Tensor, n int64, indices *Tensor) ([]*Tensor, error) {
	dx := zeros([]int{int(n)})
	for i, at := range indices.I {
		if at < 0 || at >= n {
			return nil, fmt.Errorf("index %d is outside of %d", at, n)
		}
		dx.F[at] += dy.F[i]
	}
	return one(dx), nil
}

func convTranspose(c op.ConvTranspose, dy, w *Tensor) *Tensor {
	dx := zeros([]int{dy.Shape[0], w.Shape[1] * c.Conv.Group, c.Height, c.Width})
	eachTap(c.Conv, dx.Shape, w.Shape, dy.Shape, func(yi, xi, wi int) {
		dx.F[xi] += dy.F[yi] * w.F[wi]
	})
	return dx
}
