package pass

import (
	"fmt"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/plan"
	"zos-ort/graphgen/port"
)

// openBatch leaves the number of images out of the shapes in the file and gives it a name there, one
// for every value. ONNX Runtime keeps a dead buffer until the run ends if a later value has the same
// shape, as far as it knows (plan.assign): buffers of the forward pass would wait for the backward
// pass of the same cell, with everything else on top. Shapes with different names are different, so
// that a buffer is freed with its last reader. Small programs have their lengths back in the end, see closeBatch. A result that may be written over an input has the
// name of that input.
func openBatch(g *ir.Graph) {
	images := inputOf(g, port.Images)
	if images == nil {
		return
	}
	freeShapes(g, images.Shape[0])
	nameBatch(g)
}

// nameBatch names the first axes. It can be repeated when the graph has changed.
func nameBatch(g *ir.Graph) {
	images := inputOf(g, port.Images)
	if images == nil {
		return
	}
	o := opener{batch: images.Shape[0]}
	o.name(images, nil)
	for _, n := range g.Nodes {
		open := o.opens(n)
		for j, v := range n.Out {
			if v == nil {
				continue
			}
			v.Batch = ""
			if open && holds(v, o.batch) {
				o.name(v, plan.InPlace(n, j))
			}
		}
	}
}

// closeBatch takes the names back, so that the file gives the length. ONNX Runtime looks through all dead buffers
// for one of the same shape; where each has another name, none is ever found, and the session of a small program
// takes three times as long to make as it does with lengths.
func closeBatch(g *ir.Graph) {
	for _, v := range g.Inputs {
		v.Batch = ""
	}
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil {
				v.Batch = ""
			}
		}
	}
}

// opener names the batches of a graph.
type opener struct{ batch, names int }

func (o *opener) name(v, over *ir.Value) {
	if over != nil && over.Batch != "" && over.Type.Equal(v.Type) {
		v.Batch = over.Batch
		return
	}
	v.Batch = fmt.Sprintf("batch%d", o.names)
	o.names++
}

// opens reports whether ONNX Runtime cannot find out the batch of a node's results. It finds out the
// shapes of standard operators from those of the inputs and believes the file about ours. The
// gradients of its pools need the shape.
func (o *opener) opens(n *ir.Node) bool {
	switch n.Op.(type) {
	case op.MaxPoolGrad, op.AveragePoolGrad:
		return false
	}
	if domain, _ := n.Op.OpType(); domain == ir.Zos {
		return true
	}
	open := false
	for _, v := range n.In {
		switch {
		case v == nil:
		case v.Batch != "":
			open = true
		case holds(v, o.batch) && v.Const == nil:
			return false
		}
	}
	return open
}

// freeShapes takes the batch out of the shapes that constants hold.
func freeShapes(g *ir.Graph, batch int) {
	g.Rewrite(func(n *ir.Node) []*ir.Value {
		switch n.Op.(type) {
		case op.Reshape:
			if holds(n.In[0], batch) && holds(n.Out[0], batch) {
				return []*ir.Value{op.Reshape{}.Free(n.In[0], n.Out[0].Shape...)}
			}
		case op.Expand:
			if holds(n.In[0], batch) && holds(n.Out[0], batch) {
				return []*ir.Value{op.Expand{}.Free(n.In[0], n.Out[0].Shape...)}
			}
		}
		return nil
	})
}

// holds reports whether the first of several axes has the length of the batch.
func holds(v *ir.Value, batch int) bool { return v.Rank() > 1 && v.Shape[0] == batch }

// inputOf returns the input of that name, or nil.
func inputOf(g *ir.Graph, name string) *ir.Value {
	for _, v := range g.Inputs {
		if v.Name == name {
			return v
		}
	}
	return nil
}
