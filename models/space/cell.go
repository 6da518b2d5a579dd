package space

import "fmt"

// CellType tells the two kinds of cells apart. Cells of one type share their alphas and genes.
type CellType uint8

// The cell types. The values index everything that exists per type. Spaces whose networks reduce by residual blocks
// have normal cells alone.
const (
	Normal CellType = iota
	Reduce          // halves height and width: its edges from the inputs of the cell have stride 2
)

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
	for t := Normal; t <= Reduce; t++ {
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

// edgePlace and nodePlace name a place in error texts.
func edgePlace(t CellType, e int) string    { return fmt.Sprintf("%v/edge%d", t, e) }
func nodePlace(t CellType, node int) string { return fmt.Sprintf("%v/node%d", t, node) }
