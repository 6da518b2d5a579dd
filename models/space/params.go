package space

// The number of weights of the networks, in closed form. Convolutions have no bias; batch norm has
// 2 weights per channel where it is affine (in the stem, and in the cells of the derived network)
// and none in the cells of the supernet. Running statistics and architecture parameters are not
// counted.

// Widths of the auxiliary head: Conv1x1 to 128, Conv2x2 to 768, Linear.
const (
	auxiliaryInner = 128
	auxiliaryOuter = 768
)

// NetworkParams is the number of weights of the network derived from a genotype: channels is C of
// the first cells (36 in the papers), cells the depth (20).
func NetworkParams(g Genotype, channels, cells, classes int, auxiliary bool) int {
	n := paramCount{affine: true}
	middle := n.net(channels, cells, classes, func(t CellType, c int) {
		for _, gene := range g.Cell(t) {
			n.operation(gene.Op, c, Stride(t, gene.Source))
		}
	})
	if auxiliary {
		n.conv(middle, auxiliaryInner, 1)
		n.batchNorm(auxiliaryInner)
		n.conv(auxiliaryInner, auxiliaryOuter, 2)
		n.batchNorm(auxiliaryOuter)
		n.linear(auxiliaryOuter, classes)
	}
	return n.total
}

// SupernetParams is the number of weights of the search network over the operations of a mask, of
// which 1/partial of the channels take part in the mixed operations (1: DARTS, 4: PC-DARTS).
func SupernetParams(m Mask, channels, cells, classes, partial int) int {
	n := paramCount{}
	n.net(channels, cells, classes, func(t CellType, c int) {
		for e, set := range m[t] {
			for _, p := range set.Primitives() {
				n.operation(p, c/partial, Stride(t, EdgeAt(e).Source))
			}
		}
	})
	return n.total
}

type paramCount struct {
	total  int
	affine bool // of the batch norms in cells
}

func (n *paramCount) conv(in, out, kernel int) { n.total += in * out * kernel * kernel }
func (n *paramCount) depthwise(c, kernel int)  { n.total += c * kernel * kernel }
func (n *paramCount) linear(in, out int)       { n.total += in*out + out }

func (n *paramCount) batchNorm(c int) {
	if n.affine {
		n.total += 2 * c
	}
}

// net counts stem, preprocessing and head, and calls operations for the inside of every cell with
// its channels c. It returns the channels of the output of the cell with the auxiliary head.
func (n *paramCount) net(c, cells, classes int, operations func(t CellType, c int)) (middle int) {
	stem := 3 * c
	n.conv(3, stem, 3)
	n.total += 2 * stem // its batch norm is affine in both networks
	before, last := stem, stem
	reduced := false
	_, auxiliaryCell := ReductionCells(cells)
	for i := range cells {
		t := TypeAt(i, cells)
		if t == Reduce {
			c *= 2
		}
		if reduced {
			n.factorizedReduce(before, c)
		} else {
			n.conv(before, c, 1)
			n.batchNorm(c)
		}
		n.conv(last, c, 1)
		n.batchNorm(c)
		operations(t, c)
		before, last, reduced = last, Nodes*c, t == Reduce
		if i == auxiliaryCell {
			middle = last
		}
	}
	n.linear(last, classes)
	return middle
}

func (n *paramCount) factorizedReduce(in, out int) {
	n.conv(in, out/2, 1)
	n.conv(in, out/2, 1)
	n.batchNorm(out)
}

func (n *paramCount) operation(p Primitive, c, stride int) {
	switch p {
	case SkipConnect:
		if stride == 2 {
			n.factorizedReduce(c, c)
		}
	case SepConv3x3:
		n.separable(c, 3)
		n.separable(c, 3)
	case SepConv5x5:
		n.separable(c, 5)
		n.separable(c, 5)
	case DilConv3x3:
		n.separable(c, 3)
	case DilConv5x5:
		n.separable(c, 5)
	}
}

// separable is a depthwise convolution, a 1x1 convolution and a batch norm.
func (n *paramCount) separable(c, kernel int) {
	n.depthwise(c, kernel)
	n.conv(c, c, 1)
	n.batchNorm(c)
}
