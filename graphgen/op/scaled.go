package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// Scaled is w X + add in one of our own kernels. X and add are tensors of the same shape, w is one
// number; add is optional. On a GPU w may also be [N,1,1,1]: a number for each image of X[N,C,H,W].
type Scaled struct{}

// Dot is the sum of the products of two tensors of the same shape, as [1].
type Dot struct{}

func (Scaled) OpType() (string, string) { return ir.Zos, "Scaled" }
func (Dot) OpType() (string, string)    { return ir.Zos, "Dot" }

func (Scaled) Attrs() []ir.Attr { return nil }
func (Dot) Attrs() []ir.Attr    { return nil }

// Infer gives the type of X.
func (o Scaled) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("scaled", in, 2, 4); err != nil {
		return nil, err
	}
	if !activation(in[0].DType) || in[1].DType != ir.Float || in[1].Elements() != 1 && !PerImage(in[0], in[1]) {
		return nil, fmt.Errorf("scaled: needs floats and one number, got %v and %v", in[0], in[1])
	}
	return []ir.Type{in[0]}, addend("scaled", o, in, in[0])
}

// PerImage reports whether w has a number for each image of x.
func PerImage(x, w ir.Type) bool {
	return x.Rank() == 4 && x.Shape[0] > 1 && w.Equal(ir.T(ir.Float, x.Shape[0], 1, 1, 1))
}

// Infer gives one number.
func (Dot) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("dot", in, 2, 2); err != nil {
		return nil, err
	}
	if !activation(in[0].DType) || !in[0].Equal(in[1]) {
		return nil, fmt.Errorf("dot: needs two float tensors of one shape, got %v and %v", in[0], in[1])
	}
	return []ir.Type{ir.T(ir.Float, 1)}, nil
}

// Of adds w x + add; add may be nil.
func (o Scaled) Of(x, w, add *ir.Value) *ir.Value { return x.Graph().Add1(o, x, w, add) }

// Of adds the product.
func (o Dot) Of(x, y *ir.Value) *ir.Value { return x.Graph().Add1(o, x, y) }

// VJP: dx = w dy, dw = <dy, x>, of all or of each image.
func (o Scaled) VJP(p ir.Pullback) []*ir.Value {
	d := make([]*ir.Value, 3)
	if p.Need[0] {
		d[0] = o.Of(p.Dy[0], p.In(1), nil)
	}
	switch {
	case p.Need[1] && PerImage(p.In(0).Type, p.In(1).Type):
		d[1] = ReduceSum{}.Of(Mul{}.Of(p.Dy[0], p.In(0)), 1, 2, 3)
	case p.Need[1]:
		d[1] = Reshape{}.To(Dot{}.Of(p.Dy[0], p.In(0)), p.In(1).Shape...)
	}
	if p.Need[2] && p.In(2) != nil {
		d[2] = p.Dy[0]
	}
	return d
}
