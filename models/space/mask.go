package space

import (
	"errors"
	"fmt"
	"math"
)

// Mask is what is left of the search space: the operations of every edge, by cell type. The zero
// value has lost everything; FullMask is the whole space. Masks are comparable with ==.
type Mask [2][Edges]Set

// FullMask has all 224 operations.
func FullMask() Mask {
	var m Mask
	for _, t := range CellTypes {
		for e := range m[t] {
			m[t][e] = FullSet
		}
	}
	return m
}

// ParseMask makes a mask of the names of the operations, one list for every edge. The order inside
// a list does not matter. Unknown names, repeated names, empty lists and a number of lists other
// than 14 are errors.
func ParseMask(normal, reduce [][]string) (Mask, error) {
	var m Mask
	for t, lists := range [2][][]string{Normal: normal, Reduce: reduce} {
		t := CellType(t)
		if len(lists) != Edges {
			return Mask{}, fmt.Errorf("mask: a cell has %d edges, got %d (%v)", Edges, len(lists), t)
		}
		for e, names := range lists {
			set, err := parseSet(names)
			if err != nil {
				return Mask{}, fmt.Errorf("mask: %w (%s)", err, edgePlace(t, e))
			}
			m[t][e] = set
		}
	}
	return m, nil
}

func parseSet(names []string) (Set, error) {
	var s Set
	for _, name := range names {
		p, err := ParsePrimitive(name)
		if err != nil {
			return 0, err
		}
		if s.Has(p) {
			return 0, fmt.Errorf("%v is listed twice", p)
		}
		s = s.With(p)
	}
	if s.Empty() {
		return 0, errEmptySet
	}
	return s, nil
}

var errEmptySet = errors.New("every edge keeps at least 1 operation, this one has 0")

// Count is the number of operations left, of 224.
func (m Mask) Count() int { return m.CountIn(Normal) + m.CountIn(Reduce) }

// CountIn is the number of operations left in cells of a type, of 112.
func (m Mask) CountIn(t CellType) int {
	n := 0
	for _, s := range m[t] {
		n += s.Len()
	}
	return n
}

// Drop is the mask without an operation on any edge, except on edges that have nothing else: a set
// never loses its last operation.
func (m Mask) Drop(p Primitive) Mask {
	for _, t := range CellTypes {
		for e, s := range m[t] {
			if s = s.Without(p); !s.Empty() {
				m[t][e] = s
			}
		}
	}
	return m
}

// Without is the mask without an operation.
func (m Mask) Without(c Candidate) Mask {
	m[c.Cell][c.Edge] = m[c.Cell][c.Edge].Without(c.Op)
	return m
}

// SubsetOf says whether every operation of m is in from.
func (m Mask) SubsetOf(from Mask) bool {
	for _, t := range CellTypes {
		for e, s := range m[t] {
			if s&^from[t][e] != 0 {
				return false
			}
		}
	}
	return true
}

// Validate checks what a search needs: every edge keeps an operation, and every node keeps two
// edges with something other than none, because a genotype takes two inputs per node.
func (m Mask) Validate() error {
	for _, t := range CellTypes {
		for e, s := range m[t] {
			if s.Empty() {
				return fmt.Errorf("mask: %w (%s)", errEmptySet, edgePlace(t, e))
			}
		}
		for node := range Nodes {
			if n := m.usableEdges(t, node); n < 2 {
				return fmt.Errorf("mask: a node needs 2 edges with an operation other than none, has %d (%s)",
					n, nodePlace(t, node))
			}
		}
	}
	return nil
}

func (m Mask) usableEdges(t CellType, node int) int {
	n := 0
	lo, hi := NodeEdges(node)
	for _, s := range m[t][lo:hi] {
		if s.Usable() {
			n++
		}
	}
	return n
}

// RemainingOperations is the fraction of the operations of a mask that are left in this one. It is
// what xi measures by default (Table 1 of the paper fits it).
func (m Mask) RemainingOperations(from Mask) float64 {
	return float64(m.Count()) / float64(from.Count())
}

// RemainingArchitectures is the ratio of the products of the set sizes, which Algorithm 1 of the
// paper compares with xi as printed.
func (m Mask) RemainingArchitectures(from Mask) float64 {
	return math.Exp(m.LogArchitectures() - from.LogArchitectures())
}

// LogArchitectures is the natural logarithm of the product of the 28 set sizes: 28 ln 8 for the
// whole space, -Inf if a set is empty.
func (m Mask) LogArchitectures() float64 {
	sum := 0.0
	for _, t := range CellTypes {
		for _, s := range m[t] {
			sum += math.Log(float64(s.Len()))
		}
	}
	return sum
}

// Candidate is one operation on one edge of the cells of a type.
type Candidate struct {
	Cell CellType  `json:"cell"`
	Edge int       `json:"edge"`
	Op   Primitive `json:"operation"`
}

// String is like normal/edge3/sep_conv_3x3.
func (c Candidate) String() string { return edgePlace(c.Cell, c.Edge) + "/" + c.Op.String() }

// Candidates lists the operations of a cell type in flat order: entry i belongs to
// Alphas.Flat(t)[i].
func (m Mask) Candidates(t CellType) []Candidate {
	list := make([]Candidate, 0, m.CountIn(t))
	for e, s := range m[t] {
		for _, p := range s.Primitives() {
			list = append(list, Candidate{t, e, p})
		}
	}
	return list
}
