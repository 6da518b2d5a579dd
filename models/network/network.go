// Package network builds the network that a genotype describes, for training from scratch and for
// deployment (cnn/model.py of quark0/darts).
package network

import (
	"fmt"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/scope"
	"zos-ort/models/nn"
	"zos-ort/models/space"
)

// Config is a derived network (search/README.md, Space and Retraining). The paper's has 36 channels and 20 cells.
type Config struct {
	Genotype  space.Genotype
	Channels  int
	Cells     int
	Classes   int
	Auxiliary bool // auxiliary head at cell 2/3 of the depth, in training only
	DropPath  bool // the drop_path input exists, in training only
	// PoolNorm puts a batch norm without parameters after every pool, as the supernet and the networks of NASLib
	// have it; those of DARTS have none.
	PoolNorm bool
}

// Validate checks the configuration.
func (c Config) Validate() error {
	if c.Channels < 2 || c.Channels%2 != 0 || c.Cells < 1 || c.Classes < 2 {
		return fmt.Errorf("network: needs an even number of channels, 1 cell and 2 classes, got %d, %d, %d",
			c.Channels, c.Cells, c.Classes)
	}
	if err := c.Genotype.Space().CheckChannels(c.Channels); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	return c.Genotype.Validate()
}

// DropPaths is the number of operations that drop-path can drop: all but identities.
func (c Config) DropPaths() int {
	k := 0
	s := c.Genotype.Space()
	for i := range c.Cells {
		kind := s.TypeAt(i, c.Cells)
		for _, gene := range c.Genotype.Cell(kind) {
			if gene.Op != space.None && !identity(s, kind, gene) {
				k++
			}
		}
	}
	return k
}

func identity(s *space.Space, t space.CellType, g space.Gene) bool {
	return g.Op.IsSkip() && s.Stride(t, g.Source) == 1
}

// WithDropPath returns c with drop-path if its final probability is positive and there is an operation to drop.
func (c Config) WithDropPath(probability float64) Config {
	c.DropPath = probability > 0 && c.DropPaths() > 0
	return c
}

// AuxiliaryWeight is the weight of the auxiliary head's loss in the papers' settings.
const AuxiliaryWeight = .4

// Spec describes the programs of the network for batches of square images, with the optimiser of
// the paper.
func (c Config) Spec(batch, image int, l pass.Lowering) graphgen.Spec {
	return graphgen.Spec{Forward: c.Forward(), Batch: batch, Image: image, Classes: c.Classes,
		SGD: graphgen.PaperSGD, AuxiliaryWeight: AuxiliaryWeight, Lowering: l}
}

// Forward returns the network as a graph-building function.
func (c Config) Forward() graphgen.Forward {
	return func(n *graphgen.Net, images *ir.Value) graphgen.Scores {
		if err := c.Validate(); err != nil {
			n.G.Fail("%w", err)
		}
		b := builder{Config: c, n: n, space: c.Genotype.Space()}
		training := n.Mode == graphgen.Train
		if c.DropPath && training {
			b.drops = n.DropPaths(c.DropPaths(), images.Shape[0])
		}
		last, middle := nn.Cells(n, images, b.space, c.Channels, c.Cells, b.cell)
		var out graphgen.Scores
		if c.Auxiliary && training {
			n.G.In("auxiliary", func() { out.Auxiliary = auxiliaryHead(n, middle, c.Classes) })
		}
		out.Logits = nn.Head(n, last, b.space.Skeleton(), c.Classes)
		return out
	}
}

type builder struct {
	Config
	n     *graphgen.Net
	space *space.Space
	drops []*ir.Value // factors of the operations that are still to come
}

func (b *builder) cell(x nn.Cell) *ir.Value {
	states := nn.Preprocess(b.n, b.space, x, true)
	for node := range b.space.Nodes() {
		states = append(states, b.node(x.Type, node, states))
	}
	return nn.Output(b.space, states)
}

// node adds up its operations; of none that are left, it is zeros.
func (b *builder) node(t space.CellType, node int, states []*ir.Value) (sum *ir.Value) {
	lo, _ := b.space.NodeGenes(node)
	for j, gene := range b.Genotype.Node(t, node) {
		if gene.Op == space.None {
			continue
		}
		var y *ir.Value
		b.n.G.In(scope.Operation(lo+j, gene.Op), func() { y = b.operation(t, gene, states[gene.Source]) })
		if sum == nil {
			sum = y
		} else {
			sum = op.Add{}.Of(sum, y)
		}
	}
	if sum == nil {
		sum = b.zeros(states[0], b.space.Stride(t, 0))
	}
	return sum
}

// zeros are those of a node without operations. They follow from a state, so that the exported network takes any
// number of images.
func (b *builder) zeros(x *ir.Value, stride int) *ir.Value {
	if stride > 1 {
		x = op.AveragePool{Kernel: stride, Stride: stride}.Of(x)
	}
	return op.Mul{}.Of(x, b.n.G.Scalar(0))
}

// operation applies one gene and, to anything but an identity, drop-path.
func (b *builder) operation(t space.CellType, gene space.Gene, x *ir.Value) *ir.Value {
	if identity(b.space, t, gene) {
		return x
	}
	norms := nn.Norms{Inner: nn.Affine, Last: nn.Affine}
	if b.PoolNorm && gene.Op.IsPool() {
		norms = nn.Norms{Inner: nn.Plain, Last: nn.Plain, Search: true}
	}
	x = nn.Apply(b.n, x, gene.Op, b.space.Stride(t, gene.Source), norms)
	if len(b.drops) > 0 {
		x = op.Mul{}.Of(x, b.drops[0])
		b.drops = b.drops[1:]
	}
	return x
}

// Widths of the auxiliary head.
const (
	auxiliaryInner = 128
	auxiliaryOuter = 768
)

// AuxiliaryImage is the least side of images that the auxiliary head can be put on.
const AuxiliaryImage = 32

// auxiliaryHead is ReLU, AveragePool 5 stride 3, Conv1x1-BN-ReLU, Conv2x2-BN-ReLU, Linear. It fits
// feature maps of 8x8, that is images of 32x32, and larger ones.
func auxiliaryHead(n *graphgen.Net, x *ir.Value, classes int) *ir.Value {
	if x.Shape[2] < AuxiliaryImage/4 || x.Shape[3] < AuxiliaryImage/4 {
		n.G.Fail("auxiliary head: needs images of at least %[1]dx%[1]d, the feature map is %[2]dx%[3]d",
			AuxiliaryImage, x.Shape[2], x.Shape[3])
	}
	x = op.AveragePool{Kernel: 5, Stride: 3}.Of(op.Relu{}.Of(x))
	n.G.In("0", func() { x = nn.BatchNorm(n, nn.Conv(n, x, auxiliaryInner, 1, 1, 0), true) })
	x = op.Relu{}.Of(x)
	n.G.In("1", func() { x = nn.BatchNorm(n, nn.Conv(n, x, auxiliaryOuter, 2, 1, 0), true) })
	x = op.Relu{}.Of(x)
	return nn.Linear(n, op.Flatten{}.Of(x), classes)
}
