package graphgen

import (
	"math"
	"slices"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// arrange places tensors of the same length side by side, and otherwise keeps the order of
// construction: see pieces.
func (l Layout) arrange() {
	offset := 0
	for _, i := range l.byLength() {
		l[i].Offset = offset
		offset += l[i].Len()
	}
}

// byLength returns the indices of the entries, shortest first.
func (l Layout) byLength() []int {
	order := make([]int, len(l))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return l[a].Len() - l[b].Len() })
	return order
}

// run is a stretch of a flat vector that holds tensors of the same length.
type run struct {
	offset, length int   // of the stretch, of one tensor
	entries        []int // in the layout
}

func (r run) size() int { return r.length * len(r.entries) }

func (l Layout) runs() (list []run) {
	for _, i := range l.byLength() {
		if n := len(list); n == 0 || list[n-1].length != l[i].Len() {
			list = append(list, run{offset: l[i].Offset, length: l[i].Len()})
		}
		last := &list[len(list)-1]
		last.entries = append(last.entries, i)
	}
	return list
}

// pieces cuts a flat vector into the tensors of its layout, in the order of the entries.
//
// For the CUDA provider it is first cut into runs. For pieces of different lengths the provider
// needs a table that gives the piece of every element. The host makes the table and copies it to
// the device in every step (split.cc; for Concat, concat.cc). It takes 8 bytes an element, twice as
// much as the weights. Pieces of the same length need no table.
func (n *Net) pieces(v *ir.Value, l Layout) []*ir.Value {
	list := make([]*ir.Value, len(l))
	if !n.CUDA {
		order := l.byLength()
		lengths := make([]int, len(l))
		for at, i := range order {
			lengths[at] = l[i].Len()
		}
		return outOfOrder(op.Split{}.Of(v, 0, lengths...), order, list)
	}
	for _, r := range l.runs() {
		stretch := op.SliceVector{From: r.offset, Length: r.size()}.Of(v)
		if len(r.entries) == 1 {
			list[r.entries[0]] = stretch
			continue
		}
		same := slices.Repeat([]int{r.length}, len(r.entries))
		outOfOrder(op.Split{}.Of(stretch, 0, same...), r.entries, list)
	}
	return list
}

// join makes a flat vector of the tensors of a layout, each a vector, in the order of the entries.
// For the CUDA provider it is a sum of runs padded with zeros, see pieces, but our own kernels on a GPU join
// pieces of any length.
func (n *Net) join(list []*ir.Value, l Layout) (flat *ir.Value) {
	if !n.CUDA || n.Kernels {
		var parts []*ir.Value
		for part := range slices.Chunk(inOrder(list, l.byLength()), n.mostPieces()) {
			parts = append(parts, op.Concat{}.Of(part...))
		}
		if len(parts) == 1 {
			return parts[0]
		}
		return op.Concat{}.Of(parts...)
	}
	for _, r := range l.runs() {
		stretch := inOrder(list, r.entries)[0]
		if len(r.entries) > 1 {
			stretch = op.Concat{}.Of(inOrder(list, r.entries)...)
		}
		padded := op.PadVector{Before: r.offset, After: l.Len() - r.offset - r.size()}.Of(stretch)
		if flat == nil {
			flat = padded
		} else {
			flat = op.Add{}.Of(flat, padded)
		}
	}
	return flat
}

// mostPieces is how many pieces a Concat joins: any number, but in our own kernels on a GPU less than a group may
// read (group_most in ort/kernels/operators.h).
func (n *Net) mostPieces() int {
	if n.CUDA && n.Kernels {
		return 512
	}
	return math.MaxInt
}

// outOfOrder puts each value at its place in the order.
func outOfOrder(sorted []*ir.Value, order []int, list []*ir.Value) []*ir.Value {
	for at, i := range order {
		list[i] = sorted[at]
	}
	return list
}

// inOrder is the reverse of outOfOrder.
func inOrder(list []*ir.Value, order []int) []*ir.Value {
	sorted := make([]*ir.Value, len(order))
	for at, i := range order {
		sorted[at] = list[i]
	}
	return sorted
}
