package pass

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/port"
)

// openBatch leaves the first axis out of the shapes in the file and gives it a name there, one for
// every value. ONNX Runtime keeps a dead buffer until the run ends if a later value has the same
// shape, as far as it knows (plan.assign): buffers of the forward pass would wait for the backward
// pass of the same cell, with everything else on top. Shapes with different names are different, so
// that a buffer is freed with its last reader. A result that ONNX Runtime may write over an input if
// it finds that their shapes are equal has the name of that input.
func openBatch(g *ir.Graph) {
	images := inputOf(g, port.Images)
	if images == nil {
		return
	}
	freeShapes(g, images.Shape[0])
	nameAxes(g)
}

// closeBatch takes the names back, so that the file gives the lengths. ONNX Runtime looks through all
// dead buffers for one of the same shape. In a program of its own operators, whose shapes it finds out
// by itself, it finds none where each has another name, and the session takes three times as long to
// make as it does with lengths. A small program has no need of the memory.
func closeBatch(g *ir.Graph, l Lowering) {
	if l.Target == CPUKernels {
		return
	}
	for _, v := range g.Inputs {
		v.Axis = ""
	}
	for _, n := range g.Nodes {
		for _, v := range n.Out {
			if v != nil {
				v.Axis = ""
			}
		}
	}
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
