package eval

import (
	"math"

	"zos-ort/graphgen/op"
)

// channelOf is the channel of flat index i of an NCHW tensor.
func channelOf(shape []int, i int) int { return i / (shape[2] * shape[3]) % shape[1] }

// channelSum adds up f(i) over the elements of each channel.
func channelSum(shape []int, f func(i int) float64) *Tensor {
	sum := zeros([]int{shape[1]})
	for i := range elements(shape) {
		sum.F[channelOf(shape, i)] += f(i)
	}
	return sum
}

// perChannel is the number of elements of one channel.
func perChannel(shape []int) float64 { return float64(shape[0] * shape[2] * shape[3]) }

// affine is scale (x - mean) inv + bias, channel by channel.
func affine(x, scale, bias, mean, inv *Tensor) *Tensor {
	y := zeros(x.Shape)
	for i, v := range x.F {
		c := channelOf(x.Shape, i)
		y.F[i] = scale.F[c]*(v-mean.F[c])*inv.F[c] + bias.F[c]
	}
	return y
}

func invStd(variance *Tensor, epsilon float32) *Tensor {
	inv := zeros(variance.Shape)
	for c, v := range variance.F {
		inv.F[c] = 1 / math.Sqrt(v+float64(epsilon))
	}
	return inv
}

// batchNormTraining returns Y, the new running mean and variance, the batch mean and the batch
// 1/sqrt(var + eps).
func batchNormTraining(b op.BatchNormTraining, in []*Tensor) []*Tensor {
	x, n := in[0], perChannel(in[0].Shape)
	mean := channelSum(x.Shape, func(i int) float64 { return x.F[i] / n })
	variance := channelSum(x.Shape, func(i int) float64 {
		d := x.F[i] - mean.F[channelOf(x.Shape, i)]
		return d * d / n
	})
	inv := invStd(variance, b.Epsilon)
	blend := func(old, batch *Tensor) *Tensor {
		t, momentum := zeros(old.Shape), float64(b.Momentum)
		for c := range t.F {
			t.F[c] = momentum*old.F[c] + (1-momentum)*batch.F[c]
		}
		return t
	}
	return []*Tensor{affine(x, in[1], in[2], mean, inv), blend(in[3], mean), blend(in[4], variance),
		mean, inv}
}

// batchNormGrad differentiates y = s z + b, z = (x - mean(x)) inv(x). With <> the mean over a
// channel: dx = s inv (dy - <dy> - z <dy z>), ds = sum dy z, db = sum dy.
func batchNormGrad(in []*Tensor) []*Tensor {
	dy, x, scale, mean, inv := in[0], in[1], in[2], in[3], in[4]
	n := perChannel(x.Shape)
	z := func(i int) float64 {
		c := channelOf(x.Shape, i)
		return (x.F[i] - mean.F[c]) * inv.F[c]
	}
	dscale := channelSum(x.Shape, func(i int) float64 { return dy.F[i] * z(i) })
	dbias := channelSum(x.Shape, func(i int) float64 { return dy.F[i] })
	dx := zeros(x.Shape)
	for i := range dx.F {
		c := channelOf(x.Shape, i)
		dx.F[i] = scale.F[c] * inv.F[c] * (dy.F[i] - dbias.F[c]/n - z(i)*dscale.F[c]/n)
	}
	return []*Tensor{dx, dscale, dbias}
}

func batchNorm(b op.BatchNorm, in []*Tensor) *Tensor {
	return affine(in[0], in[1], in[2], in[3], invStd(in[4], b.Epsilon))
}
