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
	return c.Genotype.Validate()
}

// DropPaths is the number of operations that drop-path can drop: all but identities.
func (c Config) DropPaths() int {
	k := 0
	for i := range c.Cells {
		kind := space.TypeAt(i, c.Cells)
		for _, gene := range c.Genotype.Cell(kind) {
			if !identity(kind, gene) {
				k++
			}
		}
	}
	return k
}

func identity(t space.CellType, g space.Gene) bool {
	return g.Op == space.SkipConnect && space.Stride(t, g.Source) == 1
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
		b := builder{Config: c, n: n}
		training := n.Mode == graphgen.Train
		if c.DropPath && training {
			b.drops = n.DropPaths(c.DropPaths(), images.Shape[0])
		}
		s1, middle := b.cells(images)
		var out graphgen.Scores
		if c.Auxiliary && training {
			n.G.In("auxiliary", func() { out.Auxiliary = auxiliaryHead(n, middle, c.Classes) })
		}
		out.Logits = nn.Head(n, s1, c.Classes)
		return out
	}
}

type builder struct {
	Config
	n     *graphgen.Net
	drops []*ir.Value // factors of the operations that are still to come
}

// cells builds the stem and the cells; middle is the output of the cell with the auxiliary head.
func (b *builder) cells(images *ir.Value) (last, middle *ir.Value) {
	s0 := nn.Stem(b.n, images, 3*b.Channels)
	s1 := s0
	channels, reduced := b.Channels, false
	for i := range b.Cells {
		kind := space.TypeAt(i, b.Cells)
		if kind == space.Reduce {
			channels *= 2
		}
		b.n.G.In(scope.Cell(i), func() { s0, s1 = s1, b.cell(kind, s0, s1, channels, reduced) })
		reduced = kind == space.Reduce
		if i == 2*b.Cells/3 {
			middle = s1
		}
	}
	return s1, middle
}

func (b *builder) cell(t space.CellType, s0, s1 *ir.Value, channels int, reduced bool) *ir.Value {
	g := b.n.G
	g.In(scope.Preprocess(0), func() {
		if reduced {
			s0 = nn.FactorizedReduce(b.n, s0, channels, true)
		} else {
			s0 = nn.ReLUConvBN(b.n, s0, channels, true)
		}
	})
	g.In(scope.Preprocess(1), func() { s1 = nn.ReLUConvBN(b.n, s1, channels, true) })
	states := []*ir.Value{s0, s1}
	genes := b.Genotype.Cell(t)
	for node := range space.Nodes {
		var sum [2]*ir.Value
		for j := range sum {
			gene := genes[2*node+j]
			g.In(scope.Operation(2*node+j, gene.Op), func() {
				sum[j] = b.operation(t, gene, states[gene.Source])
			})
		}
		states = append(states, op.Add{}.Of(sum[0], sum[1]))
	}
	return op.Concat{Axis: 1}.Of(states[2:]...)
}

// operation applies one gene and, to anything but an identity, drop-path.
func (b *builder) operation(t space.CellType, gene space.Gene, x *ir.Value) *ir.Value {
	if identity(t, gene) {
		return x
	}
	s := space.Stride(t, gene.Source)
	switch gene.Op {
	case space.MaxPool3x3, space.AvgPool3x3:
		if x = nn.Pool(x, gene.Op, s); b.PoolNorm {
			x = nn.Plain(b.n, x)
		}
	default:
		x = nn.ConvOp(b.n, x, gene.Op, s, nn.Affine, nn.Affine)
	}
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
