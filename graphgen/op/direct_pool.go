package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// DirectMaxPool is MaxPool in our own kernels, with windows of at most 3 and without indices: its
// gradient finds the maxima again.
type DirectMaxPool struct{ Kernel, Stride, Pad int }

// DirectMaxPoolGrad scatters dY to the places of the maxima. Its inputs are dY, X and an optional
// tensor that is added to dX.
type DirectMaxPoolGrad struct{ Pool DirectMaxPool }

// DirectAveragePool is AveragePool in our own kernels, with windows of at most 3.
type DirectAveragePool struct{ Kernel, Stride, Pad int }

// DirectAveragePoolGrad spreads dY over the windows of an X of the given size. Its inputs are dY
// and an optional tensor that is added to dX.
type DirectAveragePoolGrad struct {
	Pool          DirectAveragePool
	Height, Width int
}

func (DirectMaxPool) OpType() (string, string)         { return ir.Zos, "MaxPool" }
func (DirectMaxPoolGrad) OpType() (string, string)     { return ir.Zos, "MaxPoolGrad" }
func (DirectAveragePool) OpType() (string, string)     { return ir.Zos, "AveragePool" }
func (DirectAveragePoolGrad) OpType() (string, string) { return ir.Zos, "AveragePoolGrad" }

func directAttrs(kernel, stride, pad int) []ir.Attr {
	return DepthwiseConv{kernel, stride, pad, 1}.Attrs()
}

func (o DirectMaxPool) Attrs() []ir.Attr     { return directAttrs(o.Kernel, o.Stride, o.Pad) }
func (o DirectMaxPoolGrad) Attrs() []ir.Attr { return o.Pool.Attrs() }
func (o DirectAveragePool) Attrs() []ir.Attr { return directAttrs(o.Kernel, o.Stride, o.Pad) }

// Attrs are those of the pool and the size of X.
func (o DirectAveragePoolGrad) Attrs() []ir.Attr {
	return append(o.Pool.Attrs(), ir.Attr{Name: "height", Value: o.Height},
		ir.Attr{Name: "width", Value: o.Width})
}

// DirectPool reports whether the kernels can compute a pool with these numbers.
func DirectPool(kernel, stride, pad int) bool {
	return kernel <= 3 && stride <= 2 && 0 <= pad && pad < kernel
}

func directType(in []ir.Type, kernel, stride, pad int) (ir.Type, error) {
	y, err := poolType("direct pool", in, kernel, stride, pad)
	if err == nil && (!DirectPool(kernel, stride, pad) || !activation(y.DType)) {
		err = fmt.Errorf("direct pool: needs float, a window of at most 3, stride 1 or 2, "+
			"got %v, %d, %d", y, kernel, stride)
	}
	return y, err
}

// Infer gives Y.
func (o DirectMaxPool) Infer(in []ir.Type) ([]ir.Type, error) {
	y, err := directType(in, o.Kernel, o.Stride, o.Pad)
	return []ir.Type{y}, err
}

// Infer gives Y.
func (o DirectAveragePool) Infer(in []ir.Type) ([]ir.Type, error) {
	y, err := directType(in, o.Kernel, o.Stride, o.Pad)
	return []ir.Type{y}, err
}

// Infer gives dX the type of X.
func (o DirectMaxPoolGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("direct pool gradient", in, 2, 4); err != nil {
		return nil, err
	}
	return []ir.Type{in[1]}, directCotangent(o, o.Pool, in, in[1])
}

// Infer gives dX the size of X.
func (o DirectAveragePoolGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("direct pool gradient", in, 1, 3); err != nil {
		return nil, err
	}
	if err := image("direct pool gradient", in[0]); err != nil {
		return nil, err
	}
	x := ir.T(in[0].DType, in[0].Shape[0], in[0].Shape[1], o.Height, o.Width)
	return []ir.Type{x}, directCotangent(o, o.Pool, in, x)
}

// directCotangent checks the inputs of the gradient o of a pool of x.
func directCotangent(o Accumulator, pool ir.Op, in []ir.Type, x ir.Type) error {
	y, err := pool.Infer([]ir.Type{x})
	if err == nil && !y[0].Equal(in[0]) {
		err = fmt.Errorf("direct pool gradient: dY is %v, the pool gives %v", in[0], y[0])
	}
	if err != nil {
		return err
	}
	return addend("direct pool gradient", o, in, x)
}

// Of adds the pool.
func (o DirectMaxPool) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// Of adds the pool.
func (o DirectAveragePool) Of(x *ir.Value) *ir.Value { return x.Graph().Add1(o, x) }

// VJP: the cotangent goes to the place of the maximum.
func (o DirectMaxPool) VJP(p ir.Pullback) []*ir.Value {
	if !p.Need[0] {
		return make([]*ir.Value, 1)
	}
	return []*ir.Value{p.Dy[0].Graph().Add1(DirectMaxPoolGrad{o}, p.Dy[0], p.In(0), nil)}
}

// VJP: the cotangent is spread evenly over the window.
func (o DirectAveragePool) VJP(p ir.Pullback) []*ir.Value {
	if !p.Need[0] {
		return make([]*ir.Value, 1)
	}
	s := p.In(0).Shape
	return []*ir.Value{p.Dy[0].Graph().Add1(DirectAveragePoolGrad{o, s[2], s[3]},
		p.Dy[0], nil)}
}
