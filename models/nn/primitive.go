package nn

import (
	"fmt"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/models/space"
)

// Norm is the batch norm that ends an operation.
type Norm func(n *graphgen.Net, x *ir.Value) *ir.Value

// Plain is a batch norm without, Affine one with trainable scale and shift.
func Plain(n *graphgen.Net, x *ir.Value) *ir.Value  { return BatchNorm(n, x, false) }
func Affine(n *graphgen.Net, x *ir.Value) *ir.Value { return BatchNorm(n, x, true) }

// Norms are the batch norms of an operation: Last ends it, the others are Inner. Search keeps those that the space
// has in supernets only.
type Norms struct {
	Inner, Last Norm
	Search      bool
}

// EndsWithNorm says whether an operation with a stride ends with a batch norm, for Norms.Last.
func EndsWithNorm(p space.Primitive, stride int) bool {
	parts := p.Parts()
	last := parts[len(parts)-1]
	return last.Kind == space.BatchNormPart || last.Kind == space.Identity && stride > 1
}

// Apply is an operation with a stride on x. Its blocks have places of their own if there are several, and so has every
// convolution in a block; equal ones in a block are numbered from the second on.
func Apply(n *graphgen.Net, x *ir.Value, p space.Primitive, stride int, norms Norms) *ir.Value {
	blocks := p.Blocks()
	strider, at := p.Strider(), 0
	for i, b := range blocks {
		build := func() {
			layers := layers{n: n, seen: map[space.Kind]int{}}
			for _, part := range b {
				s := 1
				if at == strider {
					s = stride
				}
				norm := norms.Inner
				if at++; at == len(p.Parts()) {
					norm = norms.Last
				}
				if !part.SearchOnly || norms.Search {
					x = layers.of(part, x, s, norm)
				}
			}
		}
		if len(blocks) > 1 {
			n.G.In(fmt.Sprint(i), build)
		} else {
			build()
		}
	}
	return x
}

// layers builds the parts of a block.
type layers struct {
	n    *graphgen.Net
	seen map[space.Kind]int
}

// in builds a part at its place.
func (l layers) in(k space.Kind, build func()) {
	place := string(k)
	if l.seen[k]++; l.seen[k] > 1 {
		place += fmt.Sprintf("_%d", l.seen[k])
	}
	l.n.G.In(place, build)
}

// of is a part of an operation.
func (l layers) of(p space.Part, x *ir.Value, stride int, norm Norm) *ir.Value {
	pad := p.Dilation * (p.Kernel / 2)
	switch p.Kind {
	case space.ConvPart:
		l.in(p.Kind, func() { x = grouped(l.n, x, p, stride, pad) })
	case space.DepthwisePart:
		l.in(p.Kind, func() { x = Depthwise(l.n, x, p.Kernel, stride, pad, p.Dilation) })
	case space.PointwisePart:
		l.in(p.Kind, func() { x = Conv(l.n, x, x.Shape[1], 1, stride, 0) })
	case space.BatchNormPart:
		x = norm(l.n, x)
	case space.ReLUPart:
		x = op.Relu{}.Of(x)
	case space.MaxPool:
		x = op.MaxPool{Kernel: p.Kernel, Stride: stride, Pad: pad}.Of(x)
	case space.AvgPool:
		x = op.AveragePool{Kernel: p.Kernel, Stride: stride, Pad: pad}.Of(x)
	case space.Identity:
		if stride > 1 {
			x = norm(l.n, reduceConvs(l.n, x, x.Shape[1]))
		}
	case space.Noise:
		x = l.n.Noise(x, stride)
	case space.SqueezeExcite:
		l.in(p.Kind, func() { x = squeezeExcite(l.n, x, p.Inner(x.Shape[1])) })
	default:
		l.n.G.Fail("a part %s has no layer", p.Kind)
	}
	return x
}

// grouped is a convolution that keeps the number of channels.
func grouped(n *graphgen.Net, x *ir.Value, p space.Part, stride, pad int) *ir.Value {
	c, in := x.Shape[1], x.Shape[1]/p.Groups
	if in*p.Groups != c {
		n.G.Fail("conv: %d channels do not divide into %d groups", c, p.Groups)
	}
	w := n.Weight("weight", in*p.Kernel*p.Kernel, 0, c, in, p.Kernel, p.Kernel)
	return op.Conv{Kernel: p.Kernel, Stride: stride, Pad: pad, Dilation: p.Dilation, Group: p.Groups}.Of(x, w)
}

// squeezeExcite is x times sigmoid(W2 relu(W1 mean(x) + b1) + b2), channel by channel (Hu et al., CVPR 2018).
func squeezeExcite(n *graphgen.Net, x *ir.Value, inner int) *ir.Value {
	c, y := x.Shape[1], op.GlobalAveragePool{}.Of(x)
	n.G.In("reduce", func() { y = op.Relu{}.Of(biased(n, y, inner)) })
	n.G.In("expand", func() { y = op.Sigmoid{}.Of(biased(n, y, c)) })
	return op.Mul{}.Of(x, y)
}

// biased is a linear layer on x[B,C,1,1], a 1x1 convolution with a bias: it takes any number of images.
func biased(n *graphgen.Net, x *ir.Value, out int) *ir.Value {
	y := Conv(n, x, out, 1, 1, 0)
	return op.Add{}.Of(y, op.Reshape{}.To(n.Weight("bias", x.Shape[1], 0, out), 1, out, 1, 1))
}
