package pass

import (
	"fmt"
	"slices"
	"strings"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/plan"
	"zos-ort/graphgen/port"
)

// namer decides what a file says about the shapes of values. ONNX Runtime finds out the shapes of the
// results of a standard operator from those of its inputs and believes the file about ours. The result
// of a Reshape has that of the constant, whatever the input: where it shall stay unknown, the file lets
// the caller replace the constant (onnx.Options.Short), which ONNX Runtime believes it might. For
// every result it compares the shape, if it knows it, with those of all dead buffers, at about a
// microsecond each. So the file of a session tells only shapes that matter (ir.Value.Untold): those
// that ONNX Runtime finds out anyway, and those of a result that may be written over an input and of
// that input.
type namer struct {
	batch, names int
	matters      map[*ir.Value]bool
	outputs      map[*ir.Value]bool
}

// batchAxis begins the names of batches, whose length is in the metadata of the file. The name of
// another axis gives its length: length64_5.
const batchAxis = "batch"

// nameAxes names the first axes of results of which no two shapes may be taken for equal: those that
// hold the batch, and those of our operators. It can be repeated when the graph has changed.
func nameAxes(g *ir.Graph) {
	images := inputOf(g, port.Images)
	if images == nil {
		return
	}
	o := namer{batch: images.Shape[0], matters: inPlaceValues(g), outputs: map[*ir.Value]bool{}}
	for _, out := range g.Outputs {
		o.outputs[out.Value] = true
	}
	o.name(images, nil)
	ours := slices.ContainsFunc(g.Nodes, isOurs)
	for _, v := range g.Inputs {
		v.Untold = ours && port.IsState(v.Name)
	}
	for _, v := range g.Constants {
		v.Untold = false
	}
	for _, n := range g.Nodes {
		for j, v := range n.Out {
			if v != nil {
				v.Axis, v.Untold = "", false
				o.tell(n, j, v)
			}
		}
		if _, ok := n.Op.(op.Reshape); ok && n.Out[0].Untold {
			n.In[1].Untold = true
		}
	}
}

// inPlaceValues lists the results that may be written over an input of the same type, and these inputs.
func inPlaceValues(g *ir.Graph) map[*ir.Value]bool {
	values := map[*ir.Value]bool{}
	for _, n := range g.Nodes {
		for j, v := range n.Out {
			if over := plan.InPlace(n, j); v != nil && over != nil && over.Type.Equal(v.Type) {
				values[v], values[over] = true, true
			}
		}
	}
	return values
}

// tell decides about v, output j of n.
func (o *namer) tell(n *ir.Node, j int, v *ir.Value) {
	switch n.Op.(type) {
	case op.MaxPoolGrad, op.AveragePoolGrad: // ONNX Runtime's, which need the length of the batch
		return
	case op.Reshape:
		if !holds(v, o.batch) { // to a constant shape, whatever that of the input
			return
		}
	}
	unknown, open, fixed := isOurs(n), false, false
	for _, in := range shaping(n) {
		if in != nil {
			unknown = unknown || in.Untold
			open = open || isBatch(in)
			fixed = fixed || in.Axis == "" && !in.Untold && in.Const == nil && holds(in, o.batch)
		}
	}
	switch {
	case v.Rank() == 0 || o.outputs[v] && !holds(v, o.batch):
	case unknown:
		o.name(v, plan.InPlace(n, j))
		v.Untold = !o.matters[v] && !o.outputs[v]
	case open && !fixed && holds(v, o.batch):
		o.name(v, plan.InPlace(n, j))
	}
}

// shaping lists the inputs whose shapes give the shapes of the results.
func shaping(n *ir.Node) []*ir.Value {
	if _, ok := n.Op.(op.BatchNorm); ok {
		return n.In[:1]
	}
	return n.In
}

// name names the first axis of v, as that of the value it may be written over.
func (o *namer) name(v, over *ir.Value) {
	switch {
	case over != nil && over.Axis != "" && over.Type.Equal(v.Type):
		v.Axis = over.Axis
		return
	case holds(v, o.batch):
		v.Axis = fmt.Sprint(batchAxis, o.names)
	default:
		v.Axis = fmt.Sprintf("length%d_%d", v.Shape[0], o.names)
	}
	o.names++
}

// isOurs reports whether a node runs in one of our kernels.
func isOurs(n *ir.Node) bool {
	domain, _ := n.Op.OpType()
	return domain == ir.Zos
}

// isBatch reports whether the file names the first axis of a value as a batch.
func isBatch(v *ir.Value) bool { return strings.HasPrefix(v.Axis, batchAxis) }
