package nn

import (
	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/scope"
	"zos-ort/models/space"
)

// Cell is what a cell is built from.
type Cell struct {
	Type     space.CellType
	Channels int
	// Before and Last are the outputs of the two cells before. BeforeIsLarger says that the first has twice the height
	// and width of the second.
	Before, Last   *ir.Value
	BeforeIsLarger bool
}

// Cells builds stem and cells of a network, with what stands between stages. It returns the output of the last cell,
// and that of the cell with the auxiliary head.
func Cells(n *graphgen.Net, images *ir.Value, s *space.Space, channels, cells int,
	build func(Cell) *ir.Value) (last, middle *ir.Value) {
	last = Stem(n, images, s.Skeleton().Stem*channels)
	before, larger := last, false
	for i := range cells {
		x := Cell{Type: s.TypeAt(i, cells), Channels: s.ChannelsAt(i, cells, channels)}
		if s.Skeleton().Residual && s.Reduces(i, cells) {
			n.G.In(scope.Between(i), func() { before, last = last, Between(n, last, s.CellChannels(x.Channels)) })
			larger = true
		}
		x.Before, x.Last, x.BeforeIsLarger = before, last, larger
		n.G.In(scope.Cell(i), func() { before, last = last, build(x) })
		larger = x.Type == space.Reduce
		if i == space.AuxiliaryCell(cells) {
			middle = last
		}
	}
	return last, middle
}

// Preprocess gives the input states of a cell, brought to its channels if the space says so.
func Preprocess(n *graphgen.Net, s *space.Space, x Cell, affine bool) []*ir.Value {
	if !s.Skeleton().Preprocess {
		return []*ir.Value{x.Last}
	}
	var states []*ir.Value
	if s.Inputs() == 2 {
		n.G.In(scope.Preprocess(0), func() {
			if x.BeforeIsLarger {
				states = append(states, FactorizedReduce(n, x.Before, x.Channels, affine))
			} else {
				states = append(states, ReLUConvBN(n, x.Before, x.Channels, affine))
			}
		})
	}
	n.G.In(scope.Preprocess(1), func() { states = append(states, ReLUConvBN(n, x.Last, x.Channels, affine)) })
	return states
}

// Output is the output of a cell with these states.
func Output(s *space.Space, states []*ir.Value) *ir.Value {
	nodes := states[s.Inputs():]
	switch s.Output() {
	case space.Last:
		return nodes[len(nodes)-1]
	case space.Sum:
		sum := nodes[0]
		for _, x := range nodes[1:] {
			sum = op.Add{}.Of(sum, x)
		}
		return sum
	}
	return op.Concat{Axis: 1}.Of(nodes...)
}
