package optest

import (
	"fmt"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// PlainPool covers the pool gradients made of operators that every device has, each beside the
// gradient operator. It also covers the indices of the maxima before and after storage in one byte.
func PlainPool() []Case {
	var cases []Case
	add := func(name string, k [3]int, h, w int, inputs []Input, build func(x []*ir.Value) []*ir.Value) {
		name = fmt.Sprintf("plain_pool/%s_k%d_s%d_p%d_%dx%d", name, k[0], k[1], k[2], h, w)
		cases = append(cases, Case{Name: name, NoGrad: true, Inputs: inputs, Build: build})
	}
	for _, size := range [][2]int{{7, 6}, {8, 8}} {
		h, w := size[0], size[1]
		for _, k := range [][3]int{{3, 1, 1}, {3, 2, 1}, {2, 2, 0}, {5, 3, 0}} { // kernel, stride, pad
			m := op.MaxPool{Kernel: k[0], Stride: k[1], Pad: k[2]}
			y, err := m.Infer([]ir.Type{ir.T(ir.Float, 2, 3, h, w)})
			if err != nil {
				panic(err)
			}
			dy := Normal(y[0].Shape...)
			add("max", k, h, w, []Input{Apart(2, 3, h, w), dy}, func(x []*ir.Value) []*ir.Value {
				i := x[0].Graph().Add(m, x[0])[1]
				grad := op.MaxPoolGrad{Pool: m, N: 2, C: 3, H: h, W: w}
				return []*ir.Value{grad.Scatter(x[1], i), x[0].Graph().Add1(grad, x[1], i)}
			})
			add("narrow", k, h, w, []Input{Apart(2, 3, h, w)}, func(x []*ir.Value) []*ir.Value {
				pooled, near := x[0].Graph().Add(m, x[0]), m.Nearby(x[0])
				both := op.PassThrough{}.Of(pooled[0], near.Narrow(pooled[1]))
				return []*ir.Value{near.Widen(both[1]), pooled[1], op.Relu{}.Of(both[0])}
			})
			add("average", k, h, w, []Input{dy}, func(x []*ir.Value) []*ir.Value {
				grad := op.AveragePoolGrad{Pool: op.AveragePool(m), N: 2, C: 3, H: h, W: w}
				return []*ir.Value{grad.Spread(x[0]), x[0].Graph().Add1(grad, x[0])}
			})
		}
	}
	return cases
}
