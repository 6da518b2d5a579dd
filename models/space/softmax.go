package space

import "math"

// softmax writes exp(x_i) / sum_j exp(x_j) to dst. The largest x is taken off first, so that
// nothing overflows.
func softmax(dst, x []float64) {
	if len(x) == 0 {
		return
	}
	largest := maximum(x)
	sum := 0.0
	for i, v := range x {
		dst[i] = math.Exp(v - largest)
		sum += dst[i]
	}
	for i := range x {
		dst[i] /= sum
	}
}

// addSoftmaxVJP adds to dx the cotangent of x, given w = softmax(x) and the cotangent dw of w:
// the Jacobian is diag(w) - w w', hence dx_i = w_i (dw_i - sum_j w_j dw_j).
func addSoftmaxVJP(dx, w, dw []float64) {
	mean := 0.0
	for i := range w {
		mean += w[i] * dw[i]
	}
	for i := range w {
		dx[i] += w[i] * (dw[i] - mean)
	}
}

// logSumExp is log(sum exp(x_i)), without overflow.
func logSumExp(x []float64) float64 {
	largest := maximum(x)
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v - largest)
	}
	return largest + math.Log(sum)
}

func maximum(x []float64) float64 {
	largest := math.Inf(-1)
	for _, v := range x {
		largest = math.Max(largest, v) // math.Max passes NaN on
	}
	return largest
}
