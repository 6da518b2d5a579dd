package deploy

import (
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// Cost is what a network costs for one image.
type Cost struct {
	Parameters int // numbers in the convolutions and the classifier
	MACs       int // multiply-adds in the same layers; two FLOPs each
}

// Count counts the cost of a graph for one image, before quantisation.
func Count(g *ir.Graph) (c Cost) {
	for _, n := range g.Nodes {
		filter := 0 // products per output element
		switch n.Op.(type) {
		case op.Conv:
			w := n.In[1].Shape
			filter = w[1] * w[2] * w[3]
		case op.Gemm:
			filter = n.In[0].Shape[1]
		default:
			continue
		}
		c.MACs += n.Out[0].Elements() * filter
		for _, v := range n.In[1:] {
			c.Parameters += v.Elements()
		}
	}
	return c
}
