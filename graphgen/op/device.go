package op

import "zos-ort/graphgen/ir"

// Device is one of our own operators as it runs on a GPU. Scratch is the number of floats that its kernels
// work in. They are taken from the pool and given back in the order of the stream, so a node's working
// memory counts while the node runs. (As a further output it would stay till the end of the step: ONNX
// Runtime frees a value after its last reader, and this has none.)
type Device struct {
	Kernel  ir.Op
	Scratch int
}

func (d Device) OpType() (string, string) { return d.Kernel.OpType() }

// Attrs are those of the operator.
func (d Device) Attrs() []ir.Attr { return d.Kernel.Attrs() }

// Infer is that of the operator.
func (d Device) Infer(in []ir.Type) ([]ir.Type, error) { return d.Kernel.Infer(in) }

// OptionalOutput is that of the operator.
func (d Device) OptionalOutput(i int) bool {
	p, ok := d.Kernel.(ir.PartialOutputs)
	return ok && p.OptionalOutput(i)
}

// Clobbers are those of the operator.
func (d Device) Clobbers() []int {
	if c, ok := d.Kernel.(ir.Clobberer); ok {
		return c.Clobbers()
	}
	return nil
}

// Limits of the kernels: device.h and device_*.c in ort/kernels.
const (
	deviceThreads, deviceTile = 128, 64 // of a block; pixels
	unitBlocks, unitSlices    = 256, 64
	normBlocks, dotBlocks     = 32, 256
)

// OnDevice gives the nodes of our own operators the form in which a GPU runs them.
func OnDevice(g *ir.Graph) {
	for _, n := range g.Nodes {
		domain, _ := n.Op.OpType()
		if _, done := n.Op.(Device); domain == ir.Zos && !done {
			n.Op = Device{n.Op, deviceScratch(n)}
		}
	}
}

// deviceScratch is the number of floats that a node works in.
func deviceScratch(n *ir.Node) int {
	switch o := n.Op.(type) {
	case ReluConvNorm:
		return unitScratch(n, o)
	case ReluConvNormGrad:
		return unitGradScratch(n, o.Unit)
	case Normalize:
		s := n.In[0].Shape
		return (3*min(s[0], normBlocks) + 2) * s[1]
	case NormalizeGrad:
		s := n.In[1].Shape
		return (3*min(s[0], normBlocks) + 4) * s[1]
	case Dot:
		return min((n.In[0].Elements()+deviceThreads-1)/deviceThreads, dotBlocks)
	}
	return 0
}

// tiles is the number of tiles of images.
func tiles(s []int) int { return s[0] * ((s[2]*s[3] + deviceTile - 1) / deviceTile) }

// unitScratch holds parts of the statistics and, as Y may be in the addend's memory, P beside an addend.
func unitScratch(n *ir.Node, o ReluConvNorm) int {
	y := n.Out[0]
	floats := (3*min(tiles(y.Shape), unitBlocks) + 2) * y.Shape[1]
	for i := o.Addend(); i < len(n.In) && i < o.Addend()+2; i++ {
		if n.In[i] != nil {
			return floats + y.Elements()
		}
	}
	return floats
}

// unitGradScratch holds parts of sums, P, D for dW, and dD for dX and dV.
func unitGradScratch(n *ir.Node, o ReluConvNorm) int {
	dy, x := n.In[0], n.In[1]
	in, out := x.Shape[1], dy.Shape[1]
	d := dy.Elements() / out * in
	floats := (3*min(tiles(dy.Shape), unitBlocks)+4)*out + dy.Elements()
	dX, dW, dV := n.Out[0] != nil, n.Out[1] != nil, n.Out[2] != nil && o.Kernel > 0
	if dW {
		floats += d + min(tiles(dy.Shape), unitSlices)*out*in
	}
	if dX || dV {
		floats += d
	}
	if dV {
		floats += x.Shape[0] * in * o.Kernel * o.Kernel
	}
	return floats
}
