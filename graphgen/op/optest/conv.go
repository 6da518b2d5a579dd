package optest

import (
	"fmt"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// convCase convolves [2,cin,h,w] to cout channels.
func convCase(c op.Conv, cin, cout, h, w int) Case {
	return Case{
		Name: fmt.Sprintf("conv/k%d_s%d_p%d_d%d_g%d_%dx%d", c.Kernel, c.Stride, c.Pad, c.Dilation,
			c.Group, h, w),
		Step:   Exact,
		Inputs: []Input{Normal(2, cin, h, w), Normal(cout, cin/c.Group, c.Kernel, c.Kernel)},
		Build:  one(func(x []*ir.Value) *ir.Value { return c.Of(x[0], x[1]) }),
	}
}

// Conv covers the depthwise, pointwise and dilated convolutions of the cells, the stem, the
// reductions and the auxiliary head, and the deployed convolution with bias.
func Conv() []Case {
	const channels = 4
	var cases []Case
	for _, k := range []int{1, 3, 5} {
		for _, pad := range pads(k) {
			for _, group := range []int{1, channels} {
				for _, sd := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}} {
					c := op.Conv{Kernel: k, Stride: sd[0], Pad: pad, Dilation: sd[1], Group: group}
					cases = append(cases, convCase(c, channels, channels, 9, 10),
						convCase(c, channels, channels, 10, 9))
				}
			}
		}
	}
	bias := convCase(op.Conv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Group: 1}, 3, 5, 5, 4)
	bias.Name, bias.NoGrad = "conv/bias", true
	bias.Inputs = append(bias.Inputs, Normal(5))
	bias.Build = one(func(x []*ir.Value) *ir.Value {
		return op.Conv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Group: 1}.OfBias(x[0], x[1], x[2])
	})
	stem := op.Conv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1, Group: 1}
	reduce := op.Conv{Kernel: 1, Stride: 2, Dilation: 1, Group: 1}
	auxiliary := op.Conv{Kernel: 2, Stride: 1, Dilation: 1, Group: 1}
	return append(cases, bias, convCase(stem, 3, 12, 8, 8), convCase(reduce, 6, 4, 8, 8),
		convCase(auxiliary, 8, 12, 2, 2))
}

// pads lists the paddings for a kernel: none, half (k/2) and that of dilation 2 (k-1).
func pads(k int) []int {
	if k == 1 {
		return []int{0}
	}
	return []int{0, k / 2, k - 1}
}
