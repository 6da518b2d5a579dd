package pass

import (
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Mixed precision (CUDABFloat16). The images that the backward pass reads from the forward pass are
// bfloat16: half the bytes, the exponents of float32, 8 significant bits. All readers of such an
// image, forward and backward, see the same rounded numbers, and the gradient treats the rounding
// as the identity. Everything that adds up stays float32: weights, momenta, statistics, batch
// norms, sums of edges, the classifier, the loss and all gradients.
//
// Single-pixel convolutions, as matrix products, and ReLUs compute in bfloat16, so that their
// results need no second rounding; a kernel adds up in float32 and rounds once. All other
// convolutions compute in float32: ONNX allows no bfloat16 there before opset 22, in which the CUDA
// provider lacks other operators. Operators that move numbers (Concat, Split, ...) move bfloat16.

// narrower is one application of the pass.
type narrower struct {
	g        *ir.Graph
	backward map[*ir.Node]bool
	readers  map[*ir.Value][]*ir.Node
	by       map[*ir.Value]*ir.Value // bfloat16 forms
}

// narrow applies the pass to a finished graph.
func narrow(g *ir.Graph) {
	w := &narrower{g: g, backward: backwardOf(g), readers: g.Readers(), by: map[*ir.Value]*ir.Value{}}
	g.Rewrite(w.rule)
	g.Trim()
}

func (w *narrower) rule(n *ir.Node) []*ir.Value {
	if w.backward[n] {
		return nil
	}
	x := n.In[0]
	switch o := n.Op.(type) {
	case op.Relu:
		return []*ir.Value{widened(o.Of(w.narrowed(x)))}
	case op.Conv:
		if (o == op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 1}) && !x.IsInput() {
			return []*ir.Value{widened(pointwise(w.narrowed(x), w.narrowed(n.In[1])))}
		}
	}
	if !slices.ContainsFunc(n.Out, w.isKept) {
		return nil
	}
	outs := w.g.Add(n.Op, n.In...)
	for i, v := range n.Out {
		if w.isKept(v) {
			outs[i] = widened(w.narrowed(outs[i]))
		}
	}
	return outs
}

// narrowOwn lets all images of our own operators, forward and backward, be bfloat16 (CUDAOwnBFloat16). Weights,
// their gradients, statistics and sums over blocks stay float32: an operator computes in float32 and rounds
// when it writes an image. Operators that move numbers move bfloat16. Where a stock operator reads or gives
// an image, such as the stem's convolution, a cast stands, which a group takes in.
func narrowOwn(g *ir.Graph) {
	w := &narrower{g: g, by: map[*ir.Value]*ir.Value{}}
	g.Rewrite(w.ownRule)
	g.Trim()
}

func (w *narrower) ownRule(n *ir.Node) []*ir.Value {
	if carries(n) {
		outs := make([]*ir.Value, len(n.Out))
		for i, v := range n.Out {
			outs[i] = widened(w.narrowed(v))
		}
		return outs
	}
	images := op.Images(n.Op)
	if images == nil || !op.Groupable(n) || n.In[0].Rank() != 4 {
		return nil
	}
	in, wanted := slices.Clone(n.In), make([]bool, len(n.Out))
	for _, i := range images {
		if i < len(in) && in[i] != nil {
			in[i] = w.narrowed(in[i])
		}
	}
	for i, v := range n.Out {
		wanted[i] = v != nil
	}
	outs := w.g.AddWanted(n.Op, wanted, in...)
	for i, v := range outs {
		if v != nil && v.DType == ir.BFloat16 {
			outs[i] = widened(v)
		}
	}
	return outs
}

// pointwise is the convolution of x[N,C,H,W] with v[M,C,1,1] as N matrix products. The weights are
// repeated for every image. Otherwise the provider would make a table of their places on the host
// and copy it to the device in every step (CanUseStridedBatchedGemm in ONNX Runtime's
// cuda/math/matmul.cc).
func pointwise(x, v *ir.Value) *ir.Value {
	n, c, m := x.Shape[0], x.Shape[1], v.Shape[0]
	weights := op.Expand{}.To(op.Reshape{}.To(v, 1, m, c), n, m, c)
	pixels := op.Reshape{}.To(x, n, c, x.Shape[2]*x.Shape[3])
	return op.Reshape{}.To(op.MatMul{}.Of(weights, pixels), n, m, x.Shape[2], x.Shape[3])
}

// isKept reports whether v is an image that a reader's gradient needs.
func (w *narrower) isKept(v *ir.Value) bool {
	if v == nil || v.Rank() != 4 || v.DType != ir.Float {
		return false
	}
	return slices.ContainsFunc(w.readers[v], func(r *ir.Node) bool {
		switch r.Op.(type) {
		case op.Conv, op.Relu, op.BatchNormTraining, op.BatchNorm:
			return r.In[0] == v && !w.backward[r]
		case op.Mul: // by a mixing weight, which may need a gradient
			return !w.backward[r] && (r.In[0].Elements() == 1 || r.In[1].Elements() == 1)
		}
		return false
	})
}

// narrowed returns v as bfloat16. It moves numbers after rounding them rather than before, so that
// the whole weight vector is rounded at once, and a state before it is cut or joined.
func (w *narrower) narrowed(v *ir.Value) *ir.Value {
	if r, ok := w.by[v]; ok {
		return r
	}
	n := v.Def
	switch {
	case n != nil && widens(n):
		return n.In[0]
	case n != nil && moves(n.Op):
		w.moved(n)
	default:
		w.by[v] = op.Cast{To: ir.BFloat16}.Of(v)
	}
	return w.by[v]
}

// moved repeats a node that moves numbers.
func (w *narrower) moved(n *ir.Node) {
	in := slices.Clone(n.In)
	for i, x := range in {
		if x.DType == ir.Float {
			in[i] = w.narrowed(x)
		}
	}
	w.g.At(n.Scope, func() {
		for i, x := range w.g.Add(n.Op, in...) {
			w.by[n.Out[i]] = x
		}
	})
}

func moves(o ir.Op) bool {
	switch o.(type) {
	case op.Concat, op.Split, op.Slice, op.SliceChannels, op.SliceVector, op.Reshape, op.Transpose:
		return true
	}
	return false
}

// carries reports whether a node moves nothing but numbers that were bfloat16.
func carries(n *ir.Node) bool {
	if !moves(n.Op) {
		return false
	}
	numbers := 0
	for _, v := range n.In {
		if v.DType != ir.Float {
			continue
		}
		if v.Def == nil || !widens(v.Def) {
			return false
		}
		numbers++
	}
	return numbers > 0
}

func widened(v *ir.Value) *ir.Value { return op.Cast{To: ir.Float}.Of(v) }

// widens reports whether a node turns bfloat16 into float32.
func widens(n *ir.Node) bool {
	c, ok := n.Op.(op.Cast)
	return ok && c.To == ir.Float && n.In[0].DType == ir.BFloat16
}

// late reports whether a node belongs right before its reader in the backward pass.
func late(n *ir.Node) bool {
	_, view := n.Op.(op.Reshape)
	return view || widens(n)
}
