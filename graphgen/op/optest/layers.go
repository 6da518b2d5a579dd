package optest

import (
	"fmt"
	"math/rand/v2"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Pool covers the pools of the cells, of the partial-channel bypass and of the auxiliary head.
func Pool() []Case {
	var cases []Case
	for _, size := range [][2]int{{7, 6}, {6, 7}, {8, 8}} {
		h, w := size[0], size[1]
		for _, m := range []op.MaxPool{
			{Kernel: 3, Stride: 1, Pad: 1}, {Kernel: 3, Stride: 2, Pad: 1}, {Kernel: 2, Stride: 2}} {
			cases = append(cases, Case{
				Name: fmt.Sprintf("max_pool/k%d_s%d_p%d_%dx%d", m.Kernel, m.Stride, m.Pad, h, w),
				Step: Small, Inputs: []Input{Apart(2, 3, h, w)},
				Build: one(func(x []*ir.Value) *ir.Value { return m.Of(x[0]) }),
			})
		}
		for _, a := range []op.AveragePool{
			{Kernel: 3, Stride: 1, Pad: 1}, {Kernel: 3, Stride: 2, Pad: 1}, {Kernel: 5, Stride: 3}} {
			cases = append(cases, Case{
				Name: fmt.Sprintf("average_pool/k%d_s%d_p%d_%dx%d", a.Kernel, a.Stride, a.Pad, h, w),
				Step: Exact, Inputs: []Input{Normal(2, 3, h, w)},
				Build: one(func(x []*ir.Value) *ir.Value { return a.Of(x[0]) }),
			})
		}
		cases = append(cases, Case{Name: fmt.Sprintf("global_average_pool/%dx%d", h, w), Step: Exact,
			Inputs: []Input{Normal(2, 3, h, w)},
			Build:  one(func(x []*ir.Value) *ir.Value { return op.GlobalAveragePool{}.Of(x[0]) })})
	}
	ties := Input{[]int{2, 3, 7, 6}, func(r *rand.Rand, n int) []float64 {
		return fill(n, func(int) float64 { return float64(r.IntN(3)) })
	}}
	return append(cases, Case{Name: "max_pool/ties", NoGrad: true, Inputs: []Input{ties},
		Build: func(x []*ir.Value) []*ir.Value { // the maxima and the indices
			return x[0].Graph().Add(op.MaxPool{Kernel: 3, Stride: 2, Pad: 1}, x[0])
		}})
}

// Norm covers the batch normalisations: in training, the result with its gradients, and all results
// of two normalisations whose running statistics are pieces of the same vectors.
func Norm() []Case {
	train := func(x []*ir.Value, which int) []*ir.Value {
		c := x[0].Shape[1]
		means, variances := op.Split{}.Of(x[3], 0, c, c), op.Split{}.Of(x[4], 0, c, c)
		return op.BatchNormTraining{Epsilon: 1e-5, Momentum: 0.9}.Of(x[0], x[1], x[2],
			means[which], variances[which])
	}
	twice := func(x []*ir.Value) []*ir.Value {
		x[0].Graph().Share = true
		return append(train(x, 0), train(x, 1)...)
	}
	fixed := func(x []*ir.Value) *ir.Value {
		return op.BatchNorm{Epsilon: 1e-5}.Of(x[0], x[1], x[2], x[3], x[4])
	}
	var cases []Case
	for _, s := range [][]int{{4, 3, 5, 4}, {3, 5, 1, 1}, {2, 1, 3, 3}} {
		c := s[1]
		given := []Input{Normal(s...), Normal(c), Normal(c), Normal(c), Positive(c)}
		in := append(given[:3:3], Normal(2*c), Positive(2*c))
		first := one(func(x []*ir.Value) *ir.Value { return train(x, 0)[0] })
		cases = append(cases,
			Case{Name: fmt.Sprint("batch_norm_training/", s), Step: Small, Inputs: in, Build: first},
			Case{Name: fmt.Sprint("batch_norm_training/statistics", s), NoGrad: true, Inputs: in,
				Build: twice},
			Case{Name: fmt.Sprint("batch_norm/", s), NoGrad: true, Inputs: given, Build: one(fixed)})
	}
	return cases
}

// Activation covers the Relu.
func Activation() []Case {
	return []Case{{Name: "relu", Step: Small, Inputs: []Input{Apart(2, 3, 4, 5)},
		Build: one(func(x []*ir.Value) *ir.Value { return op.Relu{}.Of(x[0]) })}}
}

// Linear covers the matrix products.
func Linear() []Case {
	var cases []Case
	shape := func(r, c int, trans bool) Input {
		if trans {
			r, c = c, r
		}
		return Normal(r, c)
	}
	for _, m := range []op.Gemm{{}, {TransB: true}, {TransA: true}, {TransA: true, TransB: true}} {
		in := []Input{shape(3, 4, m.TransA), shape(4, 5, m.TransB), Normal(5)}
		name := fmt.Sprintf("gemm/a%v_b%v", m.TransA, m.TransB)
		cases = append(cases,
			Case{Name: name, Step: Exact, Inputs: in[:2],
				Build: one(func(x []*ir.Value) *ir.Value { return m.Of(x[0], x[1]) })},
			Case{Name: name + "_bias", Step: Exact, Inputs: in,
				Build: one(func(x []*ir.Value) *ir.Value { return m.Of(x[0], x[1], x[2]) })})
	}
	product := func(name string, a, b Input) Case {
		return Case{Name: name, NoGrad: true, Inputs: []Input{a, b},
			Build: one(func(x []*ir.Value) *ir.Value { return op.MatMul{}.Of(x[0], x[1]) })}
	}
	return append(cases, product("matmul", Normal(3, 4), Normal(4, 5)),
		product("matmuls", Normal(2, 3, 4), Normal(2, 4, 5)))
}

// Loss covers the softmax and the cross entropy.
func Loss() []Case {
	var cases []Case
	for _, s := range [][]int{{4, 10}, {14, 8}, {5}, {2, 3, 4}, {3, 1}} {
		cases = append(cases, Case{Name: fmt.Sprint("softmax/", s), Step: Small,
			Inputs: []Input{Normal(s...)},
			Build:  one(func(x []*ir.Value) *ir.Value { return op.Softmax{}.Of(x[0]) })})
	}
	for _, labels := range [][]int64{{0, 9, 3, 3}, {7}} {
		cases = append(cases, Case{Name: fmt.Sprint("cross_entropy/", labels), Step: Small,
			Inputs: []Input{Normal(len(labels), 10)},
			Build: one(func(x []*ir.Value) *ir.Value {
				return op.CrossEntropy{}.Of(x[0], x[0].Graph().Ints(labels...))
			})})
	}
	return cases
}

// Metric covers the operators that count correct answers; they have no gradients.
func Metric() []Case {
	scores := []Input{Normal(6, 4)}
	return []Case{
		{Name: "metric/argmax", NoGrad: true, Inputs: scores,
			Build: one(func(x []*ir.Value) *ir.Value { return op.ArgMax{}.Of(x[0]) })},
		{Name: "metric/count_correct", NoGrad: true, Inputs: scores,
			Build: one(func(x []*ir.Value) *ir.Value {
				return op.CountCorrect(x[0], x[0].Graph().Ints(0, 1, 2, 3, 0, 1))
			})},
		{Name: "metric/equal", NoGrad: true, Inputs: []Input{Normal(3), Normal(3)},
			Build: func(x []*ir.Value) []*ir.Value {
				return []*ir.Value{op.Equal{}.Of(x[0], x[0]), op.Equal{}.Of(x[0], x[1])}
			}},
	}
}
