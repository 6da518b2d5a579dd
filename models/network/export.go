package network

import (
	"fmt"

	"zos-ort/graphgen"
	"zos-ort/graphgen/deploy"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/port"
	"zos-ort/graphgen/scope"
	"zos-ort/models/nn"
	"zos-ort/models/space"
)

// Graph is the network as a plain inference graph with its weights as constants: input "image"
// [1,3,size,size], normalised as in training, output "logits" [1,classes]. Emitted with a named
// batch dimension it runs at any batch size. Only standard operators occur.
func (c Config) Graph(t graphgen.Tensors, size int) (*ir.Graph, error) {
	return graphgen.Freeze("network", t, func(n *graphgen.Net) {
		image := n.G.Input(ImageInput, ir.T(ir.Float, 1, 3, size, size))
		n.G.Output(LogitsOutput, c.Forward()(n, image).Logits)
	})
}

// Deployment says what a deployed network takes and gives.
type Deployment struct {
	Size      int        // side of the images
	Mean, Std [3]float32 // normalisation of the training images, by channel
	Raw       bool       // the caller normalises the images
	Softmax   bool       // give probabilities instead of logits
}

// Names of the ports of a deployed network.
const (
	ImageInput          = port.Image
	LogitsOutput        = port.Logits
	ProbabilitiesOutput = port.Probabilities
)

// Output is the name of the one output.
func (d Deployment) Output() string {
	if d.Softmax {
		return ProbabilitiesOutput
	}
	return LogitsOutput
}

// Deploy is Graph for users of the network, with the batch norms folded into the convolutions:
// input "image" [1,3,size,size], RGB in [0,1], output "logits" or "probabilities" [1,classes]. The
// image is normalised to (x - mean)/std by two nodes of their own: inside the weights of the first
// convolution it would change what the border is padded with.
func (c Config) Deploy(t graphgen.Tensors, d Deployment) (*ir.Graph, error) {
	return d.Graph(t, c.Forward())
}

// Graph is any network as Deploy makes it.
func (d Deployment) Graph(t graphgen.Tensors, forward graphgen.Forward) (*ir.Graph, error) {
	g, err := graphgen.Freeze("network", t, func(n *graphgen.Net) {
		g := n.G
		g.Share = true
		x := g.Input(ImageInput, ir.T(ir.Float, 1, 3, d.Size, d.Size))
		y := forward(n, d.normalize(x)).Logits
		if d.Softmax {
			y = op.Softmax{}.Of(y)
		}
		g.Output(d.Output(), y)
	})
	if err != nil {
		return nil, err
	}
	return g, deploy.Fold(g)
}

// normalize adds the normalisation of the images, unless that is the caller's task.
func (d Deployment) normalize(x *ir.Value) *ir.Value {
	if d.Raw {
		return x
	}
	g := x.Graph()
	g.In("normalize", func() {
		x = op.Sub{}.Of(x, g.Floats(d.Mean[:], 1, 3, 1, 1))
		x = op.Div{}.Of(x, g.Floats(d.Std[:], 1, 3, 1, 1))
	})
	return x
}

// FineTune is the network in the form of ONNX Runtime's on-device training. It takes the images
// that the deployed network takes; it has no auxiliary head and drops no paths.
func (c Config) FineTune(d Deployment) (*graphgen.FineTune, error) {
	c.Auxiliary, c.DropPath = false, false
	forward := func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		return c.Forward()(n, d.normalize(images))
	}
	return graphgen.Spec{Forward: forward, Batch: 2, Image: d.Size, Classes: c.Classes,
		Lowering: pass.Lowering{Passes: pass.Share}}.FineTune()
}

// CellGraph is the first cell of the given type as a graph of its own: inputs "c_prev_prev" and
// "c_prev", the outputs of the two cells before it in a network for size x size images (the second alone where cells
// have one input), output "c".
func (c Config) CellGraph(t space.CellType, tensors graphgen.Tensors, size int) (*ir.Graph, error) {
	s := c.Genotype.Space()
	index := -1
	for i := range c.Cells {
		if s.TypeAt(i, c.Cells) == t {
			index = i
			break
		}
	}
	if index < 0 {
		return nil, fmt.Errorf("network: %d cells have no %v cell", c.Cells, t)
	}
	return graphgen.Freeze("cell_"+t.String(), tensors, func(n *graphgen.Net) {
		b := builder{Config: c, n: n, space: s}
		p := c.place(index)
		x := nn.Cell{Type: t, Channels: s.ChannelsAt(index, c.Cells, c.Channels), BeforeIsLarger: p.larger}
		if s.Inputs() == 2 {
			x.Before = n.G.Input("c_prev_prev", ir.T(ir.Float, 1, p.in0, size/p.shrink0, size/p.shrink0))
		}
		x.Last = n.G.Input("c_prev", ir.T(ir.Float, 1, p.in1, size/p.shrink1, size/p.shrink1))
		n.G.In(scope.Cell(index), func() { n.G.Output("c", b.cell(x)) })
	})
}

// place is the position of a cell: channels and down-scaling of what comes in.
type place struct {
	in0, in1, shrink0, shrink1 int
	larger                     bool // the first input is larger than the second
}

func (c Config) place(index int) place {
	s := c.Genotype.Space()
	stem := s.Skeleton().Stem * c.Channels
	p := place{in0: stem, in1: stem, shrink0: 1, shrink1: 1}
	for i := range index + 1 {
		out := s.CellChannels(s.ChannelsAt(i, c.Cells, c.Channels))
		if s.Skeleton().Residual && s.Reduces(i, c.Cells) {
			p = place{in0: p.in1, in1: out, shrink0: p.shrink1, shrink1: 2 * p.shrink1, larger: true}
		}
		if i == index {
			break
		}
		reduces := s.TypeAt(i, c.Cells) == space.Reduce
		p = place{in0: p.in1, in1: out, shrink0: p.shrink1, shrink1: p.shrink1, larger: reduces}
		if reduces {
			p.shrink1 *= 2
		}
	}
	return p
}
