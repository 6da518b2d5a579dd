package space

// The number of weights of the networks, and of their multiply-accumulates for an image, in closed form. Convolutions
// have no bias; batch norm has 2 weights per channel where it is affine (outside of cells, and in the cells of the
// derived network) and none in the cells of the supernet. Running statistics and architecture parameters are not
// counted. Multiply-accumulates are those of convolutions and linear layers.

// Widths of the auxiliary head: Conv1x1 to 128, Conv2x2 to 768, Linear.
const (
	auxiliaryInner = 128
	auxiliaryOuter = 768
)

// NetworkParams is the number of weights of the network derived from a genotype: channels is C of
// the first cells (36 in the papers), cells the depth (20).
func NetworkParams(g Genotype, channels, cells, classes int, auxiliary bool) int {
	n := counter{affine: true}
	middle := n.genotype(g, channels, cells, classes)
	if auxiliary {
		n.conv(middle, auxiliaryInner, 1)
		n.batchNorm(auxiliaryInner)
		n.conv(auxiliaryInner, auxiliaryOuter, 2)
		n.batchNorm(auxiliaryOuter)
		n.linear(auxiliaryOuter, classes)
	}
	return n.params
}

// NetworkMACs is the number of multiply-accumulates of the same network for a square image.
func NetworkMACs(g Genotype, channels, cells, classes, image int) int {
	n := counter{affine: true, side: image}
	n.genotype(g, channels, cells, classes)
	return n.macs
}

// genotype counts the network derived from a genotype.
func (n *counter) genotype(g Genotype, channels, cells, classes int) (middle int) {
	s := g.Space()
	return n.net(s, channels, cells, classes, func(t CellType, c int) {
		for _, gene := range g.Cell(t) {
			n.edge(gene.Op, c, t, s.Stride(t, gene.Source))
		}
	})
}

// SupernetParams is the number of weights of the search network over the operations of a mask, of
// which 1/partial of the channels take part in the mixed operations (1: DARTS, 4: PC-DARTS).
func SupernetParams(m Mask, channels, cells, classes, partial int) int {
	n := counter{}
	s := m.Space()
	n.net(s, channels, cells, classes, func(t CellType, c int) {
		for e := range m.Sets(t) {
			for _, p := range m.Primitives(t, e) {
				n.edge(p, c/partial, t, s.Stride(t, s.EdgeAt(e).Source))
			}
		}
	})
	return n.params
}

// OperationParams is the number of weights of an operation on c channels in a derived network.
func OperationParams(p Primitive, c, stride int) int {
	n := counter{affine: true}
	n.operation(p, c, stride)
	return n.params
}

// counter adds up weights and, for images of a side, multiply-accumulates.
type counter struct {
	params, macs int
	affine       bool // the batch norms in cells
	side         int  // of the feature maps at the present place
}

func (n *counter) conv(in, out, kernel int) {
	n.params += in * out * kernel * kernel
	n.macs += in * out * kernel * kernel * n.side * n.side
}

func (n *counter) linear(in, out int) {
	n.params += in*out + out
	n.macs += in * out
}

func (n *counter) batchNorm(c int) {
	if n.affine {
		n.params += 2 * c
	}
}

// affineNorm is a batch norm outside of cells.
func (n *counter) affineNorm(c int) { n.params += 2 * c }

// net counts stem, what stands between cells, and head, and calls operations for the inside of every cell with
// its channels c. It returns the channels of the output of the cell with the auxiliary head.
func (n *counter) net(s *Space, channels, cells, classes int, operations func(t CellType, c int)) (middle int) {
	stem := s.skeleton.Stem * channels
	n.conv(3, stem, 3)
	n.affineNorm(stem)
	before, last := stem, stem
	reduced := false
	for i := range cells {
		t, c := s.TypeAt(i, cells), s.ChannelsAt(i, cells, channels)
		if s.skeleton.Residual && s.Reduces(i, cells) {
			n.side /= 2
			n.residual(last, s.CellChannels(c))
			before, last, reduced = last, s.CellChannels(c), true
		}
		if s.skeleton.Preprocess {
			if s.inputs == 2 {
				n.preprocess(before, c, reduced)
			}
			n.preprocess(last, c, false)
		}
		operations(t, c)
		if t == Reduce {
			n.side /= 2
		}
		before, last, reduced = last, s.CellChannels(c), t == Reduce
		if i == AuxiliaryCell(cells) {
			middle = last
		}
	}
	if s.skeleton.Normalised {
		n.affineNorm(last)
	}
	n.linear(last, classes)
	return middle
}

// AuxiliaryCell is the cell after which the auxiliary head stands.
func AuxiliaryCell(cells int) int { return 2 * cells / 3 }

func (n *counter) preprocess(in, out int, reduces bool) {
	if reduces {
		n.factorizedReduce(in, out)
		return
	}
	n.conv(in, out, 1)
	n.batchNorm(out)
}

func (n *counter) factorizedReduce(in, out int) {
	n.conv(in, out/2, 1)
	n.conv(in, out-out/2, 1)
	n.batchNorm(out)
}

// residual is the block between stages: two 3x3 convolutions, and one 1x1 around them.
func (n *counter) residual(in, out int) {
	n.conv(in, out, 3)
	n.affineNorm(out)
	n.conv(out, out, 3)
	n.affineNorm(out)
	n.conv(in, out, 1)
}

// edge counts an operation in a cell.
func (n *counter) edge(p Primitive, c int, t CellType, stride int) {
	side := n.side
	n.side = sideRead(t, stride, side)
	n.operation(p, c, stride)
	n.side = side
}

// sideRead is the side of the maps that an edge of a cell reads: inside of a cell that reduces, what follows the first
// edges sees the smaller ones.
func sideRead(t CellType, stride, side int) int {
	if t == Reduce && stride == 1 {
		return side / 2
	}
	return side
}

// operation counts an operation. What comes before the part that halves height and width sees the larger maps.
func (n *counter) operation(p Primitive, c, stride int) {
	side, strider := n.side, p.Strider()
	for i, part := range p.parts {
		if stride > 1 && i == strider {
			n.side /= stride
		}
		n.part(part, c, stride)
	}
	n.side = side
}

func (n *counter) part(p Part, c, stride int) {
	switch p.Kind {
	case ConvPart:
		n.conv(c/p.Groups, c, p.Kernel)
	case DepthwisePart:
		n.conv(1, c, p.Kernel)
	case PointwisePart:
		n.conv(c, c, 1)
	case BatchNormPart:
		if !p.SearchOnly {
			n.batchNorm(c)
		}
	case Identity:
		if stride == 2 {
			n.factorizedReduce(c, c)
		}
	case SqueezeExcite:
		inner := p.Inner(c)
		n.linear(c, inner)
		n.linear(inner, c)
	}
}
