package space

import "fmt"

// CellType tells the two kinds of cells apart. Cells of one type share their alphas and genes.
type CellType uint8

// The cell types. The values index Mask and everything else that exists per type.
const (
	Normal CellType = iota
	Reduce          // halves height and width: its edges from states 0 and 1 have stride 2
)

// CellTypes is for loops over both types.
var CellTypes = [2]CellType{Normal, Reduce}

// String is "normal" or "reduce".
func (t CellType) String() string {
	switch t {
	case Normal:
		return "normal"
	case Reduce:
		return "reduce"
	}
	return fmt.Sprintf("celltype(%d)", uint8(t))
}

// ParseCellType is the inverse of String.
func ParseCellType(name string) (CellType, error) {
	for _, t := range CellTypes {
		if name == t.String() {
			return t, nil
		}
	}
	return 0, fmt.Errorf("unknown cell type %q: use normal or reduce", name)
}

// MarshalText makes a cell type its name in JSON, also as the key of a map.
func (t CellType) MarshalText() ([]byte, error) {
	if t > Reduce {
		return nil, fmt.Errorf("cell type: there are 2, not one with the number %d", t)
	}
	return []byte(t.String()), nil
}

// UnmarshalText reads a name.
func (t *CellType) UnmarshalText(text []byte) (err error) {
	*t, err = ParseCellType(string(text))
	return err
}

// Size of a cell.
const (
	Nodes = 4  // intermediate nodes; the output is their channel concatenation
	Edges = 14 // from every earlier state to every node
)

// Decisions is the number of decisions that derive a cell: the operation of every edge, and the inputs of every
// node that has more than two.
const Decisions = Edges + Nodes - 1

// Edge is where an edge goes and where it comes from. Source 0 is the cell before the previous one
// (c_{k-2}), 1 the previous cell (c_{k-1}), and i+2 node i.
type Edge struct{ Node, Source int }

// EdgeAt is the edge with number e, 0 <= e < Edges.
func EdgeAt(e int) Edge {
	node := 0
	for {
		lo, hi := NodeEdges(node)
		if e < hi {
			return Edge{Node: node, Source: e - lo}
		}
		node++
	}
}

// EdgeIndex is the number of the edge from a source to a node, 0 <= source < node+2.
func EdgeIndex(node, source int) int {
	lo, _ := NodeEdges(node)
	return lo + source
}

// NodeEdges gives the edges into a node: lo, lo+1, ..., hi-1.
func NodeEdges(node int) (lo, hi int) {
	lo = node * (node + 3) / 2
	return lo, lo + node + 2
}

// ReductionCells are the positions of the two reduction cells in a network with that number of cells. With
// fewer than two cells they coincide.
func ReductionCells(cells int) (a, b int) { return cells / 3, 2 * cells / 3 }

// IsReduction reports whether cell i of a network of n cells is a reduction cell.
func IsReduction(i, cells int) bool {
	a, b := ReductionCells(cells)
	return i == a || i == b
}

// TypeAt is the type of cell i of a network of n cells.
func TypeAt(i, cells int) CellType {
	if IsReduction(i, cells) {
		return Reduce
	}
	return Normal
}

// Stride is the stride of the operations on an edge from a source.
func Stride(t CellType, source int) int {
	if t == Reduce && source < 2 {
		return 2
	}
	return 1
}

// edgePlace and nodePlace name a place in error texts.
func edgePlace(t CellType, e int) string    { return fmt.Sprintf("%v/edge%d", t, e) }
func nodePlace(t CellType, node int) string { return fmt.Sprintf("%v/node%d", t, node) }
