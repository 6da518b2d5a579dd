package optest

import (
	"fmt"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Depthwise covers our own depthwise convolution with every kernel, stride and dilation, planes of
// odd and even sizes below and above the length of a vector, and padding from none to more than the
// kernel's reach.
func Depthwise() []Case {
	var cases []Case
	sizes := [][2]int{{9, 10}, {18, 17}, {13, 33}, {14, 3}}
	for k := 1; k <= 7; k++ {
		for i, sd := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}} {
			reach := sd[1] * (k - 1)
			for j, pad := range []int{0, reach / 2, reach + 1} {
				c := op.DepthwiseConv{Kernel: k, Stride: sd[0], Pad: pad, Dilation: sd[1]}
				size := sizes[(k+i+j)%len(sizes)]
				if size[0]+2*pad > reach && size[1]+2*pad > reach {
					cases = append(cases, depthwiseCase(c, size[0], size[1], 3, 1, k, k))
				}
			}
		}
	}
	flat := op.DepthwiseConv{Kernel: 3, Stride: 1, Pad: 1, Dilation: 1}
	return append(cases, depthwiseCase(flat, 32, 32, 27), depthwiseCase(flat, 1, 1, 27))
}

// depthwiseCase convolves [2,3,h,w] with weights of the given shape.
func depthwiseCase(c op.DepthwiseConv, h, w int, weights ...int) Case {
	return Case{
		Name: fmt.Sprintf("depthwise/k%d_s%d_p%d_d%d_%dx%d_%v", c.Kernel, c.Stride, c.Pad, c.Dilation,
			h, w, weights),
		Step:   Exact,
		Inputs: []Input{Normal(2, 3, h, w), Normal(weights...)},
		Build:  one(func(x []*ir.Value) *ir.Value { return c.Of(x[0], x[1]) }),
	}
}
