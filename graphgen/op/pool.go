package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// MaxPool is the maximum over square windows of X[N,C,H,W]. The outputs are Y and the int64 index
// of every maximum in the flattened X. ONNX Runtime takes the first of equal maxima in scan order.
// https://onnx.ai/onnx/operators/onnx__MaxPool.html
type MaxPool struct{ Kernel, Stride, Pad int }

// MaxPoolGrad scatters dY back to the places of the maxima. Inputs dY, Indices. Shape is that of X.
// ONNX Runtime: MaxPoolGrad (training builds, standard domain).
type MaxPoolGrad struct {
	Pool       MaxPool
	N, C, H, W int
}

// AveragePool is the mean over square windows, ignoring the padding (count_include_pad = 0).
// https://onnx.ai/onnx/operators/onnx__AveragePool.html
type AveragePool struct{ Kernel, Stride, Pad int }

// AveragePoolGrad spreads dY over the windows. Input dY.
// ONNX Runtime: AveragePoolGrad (training builds, standard domain).
type AveragePoolGrad struct {
	Pool       AveragePool
	N, C, H, W int
}

// GlobalAveragePool is the mean over H and W: [N,C,1,1].
// https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html
type GlobalAveragePool struct{}

func (MaxPool) OpType() (string, string)           { return ir.Onnx, "MaxPool" }
func (MaxPoolGrad) OpType() (string, string)       { return ir.Onnx, "MaxPoolGrad" }
func (AveragePool) OpType() (string, string)       { return ir.Onnx, "AveragePool" }
func (AveragePoolGrad) OpType() (string, string)   { return ir.Onnx, "AveragePoolGrad" }
func (GlobalAveragePool) OpType() (string, string) { return ir.Onnx, "GlobalAveragePool" }

func poolAttrs(kernel, stride, pad int) []ir.Attr {
	return []ir.Attr{
		intsAttr("kernel_shape", []int{kernel, kernel}),
		intsAttr("pads", []int{pad, pad, pad, pad}),
		intsAttr("strides", []int{stride, stride}),
	}
}

func countAttrs(a AveragePool) []ir.Attr {
	return append([]ir.Attr{{Name: "count_include_pad", Value: 0}},
		poolAttrs(a.Kernel, a.Stride, a.Pad)...)
}

func (m MaxPool) Attrs() []ir.Attr         { return poolAttrs(m.Kernel, m.Stride, m.Pad) }
func (m MaxPoolGrad) Attrs() []ir.Attr     { return m.Pool.Attrs() }
func (a AveragePool) Attrs() []ir.Attr     { return countAttrs(a) }
func (a AveragePoolGrad) Attrs() []ir.Attr { return countAttrs(a.Pool) }
func (GlobalAveragePool) Attrs() []ir.Attr { return nil }

func poolType(name string, in []ir.Type, kernel, stride, pad int) (ir.Type, error) {
	if err := arity(name, in, 1, 1); err != nil {
		return ir.Type{}, err
	}
	x := in[0]
	if err := image(name, x); err != nil {
		return ir.Type{}, err
	}
	if min(kernel, stride) < 1 || pad < 0 || pad >= kernel {
		return ir.Type{}, fmt.Errorf("%s: window %d and stride %d must be at least 1, pad %d less than "+
			"the window", name, kernel, stride, pad)
	}
	h, w := window(x.Shape[2], kernel, stride, pad, 1), window(x.Shape[3], kernel, stride, pad, 1)
	if h < 1 || w < 1 {
		return ir.Type{}, fmt.Errorf("%s: window %d with pad %d does not fit into %v",
			name, kernel, pad, x)
	}
	return ir.T(x.DType, x.Shape[0], x.Shape[1], h, w), nil
}

// Infer gives Y, and int64 indices of the same shape.
func (m MaxPool) Infer(in []ir.Type) ([]ir.Type, error) {
	y, err := poolType("max pool", in, m.Kernel, m.Stride, m.Pad)
	return []ir.Type{y, ir.T(ir.Int64, y.Shape...)}, err
}

// Infer gives Y.
func (a AveragePool) Infer(in []ir.Type) ([]ir.Type, error) {
	y, err := poolType("average pool", in, a.Kernel, a.Stride, a.Pad)
	return []ir.Type{y}, err
}

// Infer gives dX the type of X.
func (m MaxPoolGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("max pool gradient", in, 2, 2); err != nil {
		return nil, err
	}
	x := ir.T(in[0].DType, m.N, m.C, m.H, m.W)
	y, err := m.Pool.Infer([]ir.Type{x})
	if err == nil && (!y[0].Equal(in[0]) || !y[1].Equal(in[1])) {
		err = fmt.Errorf("max pool gradient: dY is %v, indices %v, the pool gives %v",
			in[0], in[1], y[0])
	}
	return []ir.Type{x}, err
}

// Infer gives dX the type of X.
func (a AveragePoolGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("average pool gradient", in, 1, 1); err != nil {
		return nil, err
	}
	x := ir.T(in[0].DType, a.N, a.C, a.H, a.W)
	y, err := a.Pool.Infer([]ir.Type{x})
	if err == nil && !y[0].Equal(in[0]) {
		err = fmt.Errorf("average pool gradient: dY is %v, the pool gives %v", in[0], y[0])
	}
	return []ir.Type{x}, err
}

// Infer gives [N,C,1,1].
func (GlobalAveragePool) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("global average pool", in, 1, 1); err != nil {
		return nil, err
	}
	if err := image("global average pool", in[0]); err != nil {
		return nil, err
	}
	return []ir.Type{ir.T(in[0].DType, in[0].Shape[0], in[0].Shape[1], 1, 1)}, nil
}

// Of adds the pool and returns Y. The node produces the indices for the gradient; a graph that does
// not use them drops them (see ir.Graph.Trim).
func (m MaxPool) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(m, x) }

// Of adds the pool.
func (a AveragePool) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(a, x) }

// Of adds the mean over H and W.
func (o GlobalAveragePool) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// VJP: the cotangent goes to the place of the maximum.
func (m MaxPool) VJP(p ir.Pullback) []*ir.Value {
	s := p.In(0).Shape
	grad := MaxPoolGrad{m, s[0], s[1], s[2], s[3]}
	return []*ir.Value{p.Dy[0].Graph().Add1(grad, p.Dy[0], p.Out(1))}
}

// VJP: the cotangent is spread evenly over the window.
func (a AveragePool) VJP(p ir.Pullback) []*ir.Value {
	s := p.In(0).Shape
	return []*ir.Value{p.Dy[0].Graph().Add1(AveragePoolGrad{a, s[0], s[1], s[2], s[3]}, p.Dy[0])}
}

// VJP: every pixel gets dY/(H W).
func (GlobalAveragePool) VJP(p ir.Pullback) []*ir.Value {
	x := p.In(0)
	pixels := constant(x, float32(x.Shape[2]*x.Shape[3]))
	return []*ir.Value{Expand{}.To(Div{}.Of(p.Dy[0], pixels), x.Shape...)}
}

// OptionalOutput says that the indices may be left out.
func (MaxPool) OptionalOutput(i int) bool { return i == 1 }
