package op

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// ReluConvNorm is the unit of DARTS cells in one of our own kernels: ReLU, depthwise convolution
// (none if Kernel is 0), 1x1 convolution, batch norm with the statistics of the batch. Its inputs
// are X[N,C,H,W]; W, the M*C weights of the 1x1 convolution, of any shape; V, the C*Kernel*Kernel
// weights of the depthwise convolution; scale, one number or [M]; bias[M]; add, a tensor like Y, in two places
// (Accumulator); mean[M] and variance[M], which only the CPU's kernels take, where they have been computed
// before. Its outputs are Y[N,M,H',W'], mean[M] and the biased variance[M]. For the batch norm see
// Normalize.
//
// With Kernel Halves it is a factorised reduction: W gives the first half of the channels of Y from the
// pixels of X at even places, V, as large, the second half from the pixels one row and one column
// behind them.
//
// The backward pass recomputes the intermediate results from X, so the forward pass keeps nothing
// else.
type ReluConvNorm struct {
	Kernel, Stride, Pad, Dilation int
	Epsilon                       float32
}

// Halves is the kernel of a factorised reduction.
const Halves = -1

// ReluConvNormGrad computes dX + add, dW[M*C], dV[C*Kernel*Kernel], dscale and dbias[M], or any of
// these, from (dY, X, mean, variance, W, V, scale, add, Y). Y, which only the CPU's kernels take, is that
// of a unit with a plain result (PlainResult), and saves computing the convolutions again.
type ReluConvNormGrad struct{ Unit ReluConvNorm }

func (ReluConvNorm) OpType() (string, string)     { return ir.Zos, "ReluConvNorm" }
func (ReluConvNormGrad) OpType() (string, string) { return ir.Zos, "ReluConvNormGrad" }

// Attrs are the window of the depthwise convolution and epsilon.
func (o ReluConvNorm) Attrs() []ir.Attr {
	return append(o.window().Attrs(), ir.Attr{Name: "epsilon", Value: o.Epsilon})
}

// Attrs are those of the unit.
func (o ReluConvNormGrad) Attrs() []ir.Attr { return o.Unit.Attrs() }

// OptionalOutput says that the statistics may be left out.
func (ReluConvNorm) OptionalOutput(i int) bool { return i > 0 }

// OptionalOutput says that each gradient may be left out.
func (ReluConvNormGrad) OptionalOutput(int) bool { return true }

func (o ReluConvNorm) window() DepthwiseConv {
	return DepthwiseConv{o.Kernel, o.Stride, o.Pad, o.Dilation}
}

const unitName = "relu-conv-norm"

// result returns the type of Y for the types of X, W and V.
func (o ReluConvNorm) result(x, w, v ir.Type) (ir.Type, error) {
	y := x
	if err := image(unitName, x); err != nil {
		return y, err
	}
	if !activation(x.DType) {
		return y, fmt.Errorf("%s: X must be float or bfloat16, got %v", unitName, x)
	}
	if o.Kernel == Halves {
		return halves(o, x, w, v)
	}
	if o.Kernel > 0 {
		var err error
		if y, err = o.window().result(ir.T(ir.Float, x.Shape...)); err == nil {
			err = o.window().weights(x, v)
		}
		if err != nil {
			return y, fmt.Errorf("%s: %w", unitName, err)
		}
	} else if v.DType != 0 {
		return y, fmt.Errorf("%s: kernel 0, got depthwise weights %v", unitName, v)
	}
	c := x.Shape[1]
	if w.DType != ir.Float || w.Elements() == 0 || w.Elements()%c != 0 {
		return y, fmt.Errorf("%s: weights must be float, a multiple of the %d channels, got %v",
			unitName, c, w)
	}
	return ir.T(x.DType, y.Shape[0], w.Elements()/c, y.Shape[2], y.Shape[3]), nil
}

// halves returns the type of Y of a factorised reduction.
func halves(o ReluConvNorm, x, w, v ir.Type) (ir.Type, error) {
	s, n := x.Shape, w.Elements()
	if o != (ReluConvNorm{Kernel: Halves, Stride: 2, Dilation: 1, Epsilon: o.Epsilon}) || s[2]%2 != 0 || s[3]%2 != 0 ||
		w.DType != ir.Float || v.DType != ir.Float || n == 0 || n%s[1] != 0 || v.Elements() != n {
		return x, fmt.Errorf("%s: a reduction needs stride 2, an even image and two weights of the same size, "+
			"got %v, %v and %v", unitName, x, w, v)
	}
	return ir.T(x.DType, s[0], 2*n/s[1], s[2]/2, s[3]/2), nil
}

// Infer computes the output size.
func (o ReluConvNorm) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity(unitName, in, 2, UnitVariance+1); err != nil {
		return nil, err
	}
	y, err := o.result(in[0], in[1], optional(in, 2))
	if err != nil {
		return nil, err
	}
	c := ir.T(ir.Float, y.Shape[1])
	if _, err := scaleType(unitName, optional(in, 3), y.Shape[1]); err != nil {
		return nil, err
	}
	if err := absentOr(unitName, "bias", optional(in, 4), c); err != nil {
		return nil, err
	}
	for _, i := range []int{UnitMean, UnitVariance} {
		if err := absentOr(unitName, "a statistic", optional(in, i), c); err != nil {
			return nil, err
		}
	}
	if (optional(in, UnitMean).DType == 0) != (optional(in, UnitVariance).DType == 0) {
		return nil, fmt.Errorf("%s: takes mean and variance, or neither", unitName)
	}
	return []ir.Type{y, c, c}, addend(unitName, o, in, y)
}

// Infer gives dX the type of X and the other gradients one dimension.
func (o ReluConvNormGrad) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity(unitName+" gradient", in, 5, UnitResult+1); err != nil {
		return nil, err
	}
	y, err := o.Unit.result(in[1], in[4], optional(in, 5))
	if err != nil {
		return nil, err
	}
	if !y.Equal(in[0]) {
		return nil, fmt.Errorf("%s gradient: dY is %v, the unit gives %v", unitName, in[0], y)
	}
	if err := channelVectors(unitName+" gradient", ir.T(ir.Float, y.Shape...), in[:4], 2); err != nil {
		return nil, err
	}
	scale, err := scaleType(unitName, optional(in, 6), y.Shape[1])
	if err == nil {
		err = absentOr(unitName+" gradient", "Y", optional(in, UnitResult), y)
	}
	if err == nil && optional(in, UnitResult).DType != 0 && optional(in, 6).DType != 0 {
		err = fmt.Errorf("%s gradient: takes Y of units without scale only", unitName)
	}
	if err != nil {
		return nil, err
	}
	dw := ir.T(ir.Float, in[4].Elements())
	dv := ir.T(ir.Float, optional(in, 5).Elements())
	if optional(in, 5).DType == 0 {
		dv = ir.T(ir.Float, 0)
	}
	return []ir.Type{in[1], dw, dv, scale, in[2]},
		addend(unitName, o, in, in[1])
}

// Places behind the two of the addend: of the statistics of a unit, and of Y of its gradient.
const (
	UnitMean     = 7
	UnitVariance = 8
	UnitResult   = 9
)

// WithStatistics adds the statistics that a ReluConvNorm n computes to its inputs, for computing it once more.
func WithStatistics(n *ir.Node, in []*ir.Value) []*ir.Value {
	if n.Out[1] == nil || n.Out[2] == nil {
		return in
	}
	return append(append(in, make([]*ir.Value, UnitMean-len(in))...), n.Out[1], n.Out[2])
}

// KnowsStatistics reports whether a ReluConvNorm gets its statistics.
func KnowsStatistics(n *ir.Node) bool { return len(n.In) > UnitVariance && n.In[UnitVariance] != nil }

// Mean is the mean that a ReluConvNorm gets or computes, or nil.
func Mean(n *ir.Node) *ir.Value {
	if KnowsStatistics(n) {
		return n.In[UnitMean]
	}
	return n.Out[1]
}

// PlainResult reports whether Y of a unit with these inputs is (P - mean) / sqrt(variance + epsilon), without
// scale, bias and addend.
func (o ReluConvNorm) PlainResult(in []*ir.Value) bool {
	return !slices.ContainsFunc(in[min(3, len(in)):min(UnitMean, len(in))], func(v *ir.Value) bool { return v != nil })
}

// GiveResult gives a ReluConvNormGrad Y of its unit, whose result is plain.
func GiveResult(n *ir.Node, y *ir.Value) {
	for len(n.In) <= UnitResult {
		n.In = append(n.In, nil)
	}
	n.In[UnitResult] = y
}

// Result is Y of a ReluConvNormGrad, or nil.
func Result(n *ir.Node) *ir.Value {
	if len(n.In) <= UnitResult {
		return nil
	}
	return n.In[UnitResult]
}

// Of adds the unit; all values but x and w may be nil. The results are Y, mean, variance.
func (o ReluConvNorm) Of(x, w, v, scale, bias, add *ir.Value) []*ir.Value {
	return x.Graph().Add(o, x, w, v, scale, bias, add)
}

// VJP: one kernel computes all the needed gradients.
func (o ReluConvNorm) VJP(p ir.Pullback) []*ir.Value {
	d := make([]*ir.Value, 6)
	if p.Need[5] && p.In(5) != nil {
		d[5] = p.Dy[0]
	}
	need := present(p, 5)
	if !slices.Contains(need, true) {
		return d
	}
	outs := p.Dy[0].Graph().AddWanted(ReluConvNormGrad{o}, need, p.Dy[0], p.In(0), p.Out(1),
		p.Out(2), p.In(1), p.In(2), p.In(3), nil)
	for i, out := range outs {
		if out != nil {
			d[i] = Reshape{}.To(out, p.In(i).Shape...)
		}
	}
	return d
}
