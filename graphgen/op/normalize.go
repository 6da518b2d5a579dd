package op

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// Normalize is a batch norm with the statistics of the batch, in our own kernels. Inputs:
// X[N,C,H,W], scale, bias[C], and add, a tensor like X; all but X are optional. A scale of one
// number holds for all channels. Outputs: Y = scale (X - mean) / sqrt(variance + Epsilon) + bias +
// add, mean[C] and the biased variance[C].
type Normalize struct{ Epsilon float32 }

// NormalizeGrad computes dX + add, dscale and dbias[C], or any of these, from (dY, X, mean,
// variance, scale, add); the last two are optional. dscale has one number for a scale of one
// number.
type NormalizeGrad struct{ Epsilon float32 }

func (Normalize) OpType() (string, string)     { return ir.Zos, "Normalize" }
func (NormalizeGrad) OpType() (string, string) { return ir.Zos, "NormalizeGrad" }

func (o Normalize) Attrs() []ir.Attr     { return []ir.Attr{{Name: "epsilon", Value: o.Epsilon}} }
func (o NormalizeGrad) Attrs() []ir.Attr { return []ir.Attr{{Name: "epsilon", Value: o.Epsilon}} }

// OptionalOutput says that the statistics may be left out.
func (Normalize) OptionalOutput(i int) bool { return i > 0 }

// OptionalOutput says that each gradient may be left out.
func (NormalizeGrad) OptionalOutput(int) bool { return true }

// optional returns input i, or the zero Type if it is absent.
func optional(in []ir.Type, i int) ir.Type {
	if i < len(in) {
		return in[i]
	}
	return ir.Type{}
}

// scaleType checks a scale for c channels and returns the type of its gradient.
func scaleType(name string, scale ir.Type, c int) (ir.Type, error) {
	switch {
	case scale.DType == 0, scale.DType == ir.Float && scale.Elements() == 1:
		return ir.T(ir.Float, 1), nil
	case scale.Equal(ir.T(ir.Float, c)):
		return scale, nil
	}
	return scale, fmt.Errorf("%s: scale must be one number or %v, got %v", name, ir.T(ir.Float, c),
		scale)
}

// present reports which of the first n inputs are present and need a gradient.
func present(p ir.Pullback, n int) []bool {
	need := slices.Clone(p.Need[:n])
	for i := range need {
		need[i] = need[i] && p.In(i) != nil
	}
	return need
}

// absentOr checks an optional input.
func absentOr(name, what string, got, want ir.Type) error {
	if got.DType == 0 || got.Equal(want) {
		return nil
	}
	return fmt.Errorf("%s: %s must be %v, got %v", name, what, want, got)
}

// Infer gives Y the type of X and the statistics one number per channel.
func (o Normalize) Infer(in []ir.Type) ([]ir.Type, error) {
	const name = "normalize"
	if err := arity(name, in, 1, 5); err != nil {
		return nil, err
	}
	if err := image(name, in[0]); err != nil {
		return nil, err
	}
	x, c := in[0], ir.T(ir.Float, in[0].Shape[1])
	if _, err := scaleType(name, optional(in, 1), x.Shape[1]); err != nil {
		return nil, err
	}
	if err := absentOr(name, "bias", optional(in, 2), c); err != nil {
		return nil, err
	}
	return []ir.Type{x, c, c}, addend(name, o, in, x)
}

// Infer gives dX the type of X.
func (o NormalizeGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	const name = "normalize gradient"
	if err := arity(name, in, 4, 7); err != nil {
		return nil, err
	}
	if !in[0].Equal(in[1]) {
		return nil, fmt.Errorf("%s: dY is %v, X is %v", name, in[0], in[1])
	}
	if err := channelVectors(name, ir.T(ir.Float, in[1].Shape...), in[:4], 2); err != nil {
		return nil, err
	}
	scale, err := scaleType(name, optional(in, 4), in[1].Shape[1])
	if err != nil {
		return nil, err
	}
	return []ir.Type{in[1], scale, in[2]}, addend(name, o, in, in[1])
}

// Of adds the normalisation; scale, bias and add may be nil. The results are Y, mean, variance.
func (o Normalize) Of(x, scale, bias, add *ir.Value) []*ir.Value {
	return x.Graph().Add(o, x, scale, bias, add)
}

// VJP: through the statistics of the batch.
func (o Normalize) VJP(p ir.Pullback) []*ir.Value {
	d := make([]*ir.Value, 4)
	if p.Need[3] && p.In(3) != nil {
		d[3] = p.Dy[0]
	}
	need := present(p, 3)
	if !slices.Contains(need, true) {
		return d
	}
	g := p.Dy[0].Graph()
	outs := g.AddWanted(NormalizeGrad(o), need, p.Dy[0], p.In(0), p.Out(1), p.Out(2), p.In(1),
		nil)
	copy(d, outs)
	if d[1] != nil {
		d[1] = Reshape{}.To(d[1], p.In(1).Shape...)
	}
	return d
}
