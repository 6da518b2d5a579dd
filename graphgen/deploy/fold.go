// Package deploy rewrites a trained inference graph (graphgen.Freeze) into a form to ship: batch
// norms folded into convolutions, half precision, 8-bit integers. All forms use standard operators
// only.
package deploy

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Fold removes the batch norms, in place. A batch norm with running statistics is y = a x + b in
// every channel, with a = scale / sqrt(variance + epsilon) and b = bias - a mean. After a
// convolution W*x, it becomes the convolution (a W)*x + b. Padding does not matter, because b is
// added after it. After a FactorizedReduce, the batch norm reads the concatenation of two
// convolutions, and each takes its half of the channels. After a separable convolution, the batch
// norm goes into the 1x1 convolution, and the depthwise one before it stays without bias.
//
// A batch norm stays if it reads anything but convolutions (a pool in the search supernet, the sum
// in a node), or if something else also reads the convolution. The networks of package
// models/network have neither.
func Fold(g *ir.Graph) error {
	f := &folder{g: g, readers: g.Readers(), outputs: map[*ir.Value]bool{}}
	for _, o := range g.Outputs {
		f.outputs[o.Value] = true
	}
	if err := ir.Build(func() { g.Rewrite(f.rule) }); err != nil {
		return fmt.Errorf("fold: %w", err)
	}
	g.Trim()
	return nil
}

type folder struct {
	g       *ir.Graph
	readers map[*ir.Value][]*ir.Node
	outputs map[*ir.Value]bool
}

// affine is a x + b for every channel.
type affine struct{ a, b []float64 }

func (f *folder) rule(n *ir.Node) []*ir.Value {
	norm, ok := n.Op.(op.BatchNorm)
	if !ok || slices.ContainsFunc(n.In[1:], func(v *ir.Value) bool { return v.Const == nil }) ||
		!f.foldable(n.In[0]) {
		return nil
	}
	scale, bias := n.In[1].Const.Float, n.In[2].Const.Float
	mean, variance := n.In[3].Const.Float, n.In[4].Const.Float
	var t affine
	for c := range scale {
		a := float64(scale[c]) / math.Sqrt(float64(variance[c])+float64(norm.Epsilon))
		t.a, t.b = append(t.a, a), append(t.b, float64(bias[c])-a*float64(mean[c]))
	}
	return []*ir.Value{f.fold(n.In[0], t)}
}

// alone reports whether one node reads v and nothing else sees it.
func (f *folder) alone(v *ir.Value) bool { return len(f.readers[v]) == 1 && !f.outputs[v] }

// foldable reports whether v is a convolution with constant weights, or a concatenation of those,
// with one reader.
func (f *folder) foldable(v *ir.Value) bool {
	if v.Def == nil || !f.alone(v) {
		return false
	}
	switch o := v.Def.Op.(type) {
	case op.Conv:
		w := v.Def.In[1]
		return !o.Bias && w.Const != nil && w.Name != "" && f.alone(w)
	case op.Concat:
		return o.Axis == 1 && !slices.ContainsFunc(v.Def.In, func(p *ir.Value) bool {
			return !f.foldable(p)
		})
	}
	return false
}

// fold applies t to a foldable value.
func (f *folder) fold(v *ir.Value, t affine) (y *ir.Value) {
	n := v.Def
	f.g.At(n.Scope, func() {
		if o, ok := n.Op.(op.Conv); ok {
			y = f.foldConv(o, n, t)
			return
		}
		var pieces []*ir.Value
		from := 0
		for _, p := range n.In {
			to := from + p.Shape[1]
			pieces = append(pieces, f.fold(p, affine{t.a[from:to], t.b[from:to]}))
			from = to
		}
		y = op.Concat{Axis: 1}.Of(pieces...)
	})
	return y
}

// foldConv scales the filters and adds the bias. The weight keeps its name and gets new contents:
// the old ones belong to the caller of Freeze.
func (f *folder) foldConv(o op.Conv, n *ir.Node, t affine) *ir.Value {
	w := n.In[1]
	scaled, bias := make([]float32, len(w.Const.Float)), make([]float32, len(t.b))
	filter := len(scaled) / len(t.a)
	for i, x := range w.Const.Float {
		scaled[i] = float32(t.a[i/filter] * float64(x))
	}
	for c, b := range t.b {
		bias[c] = float32(b)
	}
	w.Const = &ir.Constant{Float: scaled}
	name := strings.TrimSuffix(w.Name, "weight") + "bias"
	b := f.g.Named(name, ir.T(ir.Float, len(bias)), &ir.Constant{Float: bias})
	return o.OfBias(n.In[0], w, b)
}
