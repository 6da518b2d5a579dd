package eval

import "zos-ort/graphgen/op"

// A convolution is the trilinear form
//
//	<dY, conv(X, W)> = sum over taps (y, x, w) of dY[y] X[x] W[w],
//
// where a tap is one meeting of an output pixel, an input pixel and a weight. Its three partial
// derivatives are the convolution and the two gradients.

// eachTap visits all taps as flat indices into Y, X and W.
func eachTap(c op.Conv, xs, ws, ys []int, visit func(y, x, w int)) {
	cin, perGroup := ws[1], ws[0]/c.Group
	for n := range ys[0] {
		for m := range ys[1] {
			for ci := range cin {
				plane := (n*xs[1] + m/perGroup*cin + ci) * xs[2] * xs[3]
				kernel := (m*cin + ci) * ws[2] * ws[3]
				for oy := range ys[2] {
					row := ((n*ys[1]+m)*ys[2] + oy) * ys[3]
					eachTapOfRow(c, xs, ws, ys, oy, func(ox, ix, k int) {
						visit(row+ox, plane+ix, kernel+k)
					})
				}
			}
		}
	}
}

// eachTapOfRow visits the taps of output row oy in one pair of planes, without those on the
// padding.
func eachTapOfRow(c op.Conv, xs, ws, ys []int, oy int, visit func(ox, ix, k int)) {
	for ky := range ws[2] {
		iy := oy*c.Stride - c.Pad + ky*c.Dilation
		if iy < 0 || iy >= xs[2] {
			continue
		}
		for kx := range ws[3] {
			for ox := range ys[3] {
				ix := ox*c.Stride - c.Pad + kx*c.Dilation
				if ix >= 0 && ix < xs[3] {
					visit(ox, iy*xs[3]+ix, ky*ws[3]+kx)
				}
			}
		}
	}
}

// steps counts the positions of a window with the given reach (first to last element) on n elements
// padded on both sides.
func steps(n, reach, stride, pad int) int {
	count := 0
	for at := -pad; at+reach <= n+pad; at += stride {
		count++
	}
	return count
}

func convShape(c op.Conv, xs, ws []int) []int {
	reach := func(k int) int { return c.Dilation*(k-1) + 1 }
	return []int{xs[0], ws[0], steps(xs[2], reach(ws[2]), c.Stride, c.Pad),
		steps(xs[3], reach(ws[3]), c.Stride, c.Pad)}
}

func conv(c op.Conv, in []*Tensor) *Tensor {
	x, w := in[0], in[1]
	y := zeros(convShape(c, x.Shape, w.Shape))
	if len(in) > 2 {
		pixels := y.Shape[2] * y.Shape[3]
		for i := range y.F {
			y.F[i] = in[2].F[i/pixels%y.Shape[1]]
		}
	}
	eachTap(c, x.Shape, w.Shape, y.Shape, func(yi, xi, wi int) { y.F[yi] += x.F[xi] * w.F[wi] })
	return y
}

// convGrad returns dX and dW.
func convGrad(c op.Conv, dy, x, w *Tensor) []*Tensor {
	dx, dw := zeros(x.Shape), zeros(w.Shape)
	eachTap(c, x.Shape, w.Shape, dy.Shape, func(yi, xi, wi int) {
		dx.F[xi] += dy.F[yi] * w.F[wi]
		dw.F[wi] += dy.F[yi] * x.F[xi]
	})
	return []*Tensor{dx, dw}
}
