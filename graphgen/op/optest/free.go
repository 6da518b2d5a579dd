package optest

import (
	"fmt"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Free covers the operators that do not fix the batch size, each beside the operator that does.
func Free() []Case {
	var cases []Case
	add := func(name string, inputs []Input, build func(x []*ir.Value) []*ir.Value) {
		cases = append(cases, Case{Name: "free/" + name, NoGrad: true, Inputs: inputs, Build: build})
	}
	for _, size := range [][2]int{{7, 6}, {8, 8}} {
		h, w := size[0], size[1]
		for _, k := range [][2]int{{3, 1}, {3, 2}, {2, 2}} {
			m := op.MaxPool{Kernel: k[0], Stride: k[1], Pad: (k[0] - 1) / 2}
			t, err := m.Infer([]ir.Type{ir.T(ir.Float, 2, 3, h, w)})
			if err != nil {
				panic(err)
			}
			add(fmt.Sprintf("max_pool/k%d_s%d_%dx%d", k[0], k[1], h, w),
				[]Input{Apart(2, 3, h, w), Normal(t[0].Shape...)}, func(x []*ir.Value) []*ir.Value {
					i := x[0].Graph().Add(m, x[0])[1]
					grad := op.MaxPoolGrad{Pool: m, N: 2, C: 3, H: h, W: w}
					return []*ir.Value{grad.Free(x[1], i, x[0]), x[0].Graph().Add1(grad, x[1], i)}
				})
			a := op.AveragePool(m)
			add(fmt.Sprintf("average_pool/k%d_s%d_%dx%d", k[0], k[1], h, w),
				[]Input{Normal(t[0].Shape...)}, func(x []*ir.Value) []*ir.Value {
					grad := op.AveragePoolGrad{Pool: a, N: 2, C: 3, H: h, W: w}
					return []*ir.Value{grad.Free(x[0]), x[0].Graph().Add1(grad, x[0])}
				})
		}
	}
	add("reshape", []Input{Normal(2, 12)}, one(func(x []*ir.Value) *ir.Value {
		return op.Reshape{}.Free(x[0], 2, 3, 4)
	}))
	add("expand", []Input{Normal(2, 3, 1, 1)}, one(func(x []*ir.Value) *ir.Value {
		return op.Expand{}.Free(x[0], 2, 3, 4, 5)
	}))
	return cases
}
