package space

import (
	"errors"
	"fmt"
	"math"
)

// Mask is what is left of a search space: the operations of every edge, by cell type. A mask that has lost everything
// is Space.EmptyMask, and the zero value is that of DARTS; Space.FullMask is the whole space. Masks are comparable
// with ==.
type Mask struct {
	of   *Space // nil: DARTS
	sets [2][MaxEdges]Set
}

// Space is the space of the mask.
func (m Mask) Space() *Space { return m.of.orDARTS() }

// Sets are the operations of the edges of a cell type.
func (m Mask) Sets(t CellType) []Set { return m.sets[t][:m.Space().Edges()] }

// At are the operations of an edge.
func (m Mask) At(t CellType, e int) Set { return m.sets[t][e] }

// Put changes the operations of an edge.
func (m *Mask) Put(t CellType, e int, s Set) { m.sets[t][e] = s }

// Primitives lists the operations of an edge in their order.
func (m Mask) Primitives(t CellType, e int) []Primitive { return m.Space().Members(m.sets[t][e]) }

// ParseMask makes a mask of the names of the operations by cell type, one list for every edge. The order inside
// a list does not matter. Unknown names, repeated names, empty lists, operations that the space does not have on an
// edge and a wrong number of lists are errors.
func (s *Space) ParseMask(names [2][][]string) (Mask, error) {
	m, full := s.EmptyMask(), s.FullMask()
	for _, t := range s.types {
		if len(names[t]) != s.Edges() {
			return Mask{}, fmt.Errorf("mask: a cell has %d edges, got %d (%v)", s.Edges(), len(names[t]), t)
		}
		for e, list := range names[t] {
			set, err := s.setOf(list)
			if err == nil && set&^full.sets[t][e] != 0 {
				err = fmt.Errorf("the edge does not have %s", joined(s.Members(set&^full.sets[t][e])))
			}
			if err != nil {
				return Mask{}, fmt.Errorf("mask: %w (%s)", err, edgePlace(t, e))
			}
			m.sets[t][e] = set
		}
	}
	return m, nil
}

func (s *Space) setOf(names []string) (Set, error) {
	var set Set
	for _, name := range names {
		p, err := s.Operation(name)
		if err != nil {
			return 0, err
		}
		if set.Has(p) {
			return 0, fmt.Errorf("%v is listed twice", p)
		}
		set = set.With(p)
	}
	if set.Empty() {
		return 0, errEmptySet
	}
	return set, nil
}

var errEmptySet = errors.New("every edge keeps at least 1 operation, this one has 0")

// Count is the number of operations left.
func (m Mask) Count() int {
	n := 0
	for _, t := range m.Space().types {
		n += m.CountIn(t)
	}
	return n
}

// CountIn is the number of operations left in cells of a type.
func (m Mask) CountIn(t CellType) int {
	n := 0
	for _, s := range m.Sets(t) {
		n += s.Len()
	}
	return n
}

// Drop is the mask without an operation on any edge, except on edges that have nothing else: a set
// never loses its last operation.
func (m Mask) Drop(p Primitive) Mask {
	for t, e := range m.Places() {
		if s := m.sets[t][e].Without(p); !s.Empty() {
			m.sets[t][e] = s
		}
	}
	return m
}

// Places goes through the edges of all cell types.
func (m Mask) Places() func(yield func(t CellType, e int) bool) {
	s := m.Space()
	return func(yield func(CellType, int) bool) {
		for _, t := range s.types {
			for e := range s.edges {
				if !yield(t, e) {
					return
				}
			}
		}
	}
}

// Without is the mask without an operation.
func (m Mask) Without(c Candidate) Mask {
	m.sets[c.Cell][c.Edge] = m.sets[c.Cell][c.Edge].Without(c.Op)
	return m
}

// SubsetOf says whether every operation of m is in from, a mask of the same space.
func (m Mask) SubsetOf(from Mask) bool {
	for t, e := range m.Places() {
		if m.sets[t][e]&^from.sets[t][e] != 0 {
			return false
		}
	}
	return m.of == from.of
}

// Validate checks what a search needs: every edge keeps an operation, and every node keeps as many
// edges that a gene can take as a derived cell has inputs there.
func (m Mask) Validate() error {
	for t, e := range m.Places() {
		if m.sets[t][e].Empty() {
			return fmt.Errorf("mask: %w (%s)", errEmptySet, edgePlace(t, e))
		}
	}
	for _, t := range m.Space().types {
		for node := range m.Space().nodes {
			if m.usableEdges(t, node) < m.Space().Takes(node) {
				return fmt.Errorf("mask: %w (%s)", m.tooFew(t, node), nodePlace(t, node))
			}
		}
	}
	return nil
}

// Takes is the number of genes of a node.
func (s *Space) Takes(node int) int {
	lo, hi := s.NodeGenes(node)
	return hi - lo
}

// tooFew is the error of a node with fewer edges than genes.
func (m Mask) tooFew(t CellType, node int) error {
	n := m.Space().Takes(node)
	edges := "edges"
	if n == 1 {
		edges = "edge"
	}
	return fmt.Errorf("a node needs %d %s with an operation other than none, has %d", n, edges, m.usableEdges(t, node))
}

// usableEdges is the number of edges of a node that can become genes.
func (m Mask) usableEdges(t CellType, node int) int {
	n := 0
	lo, hi := m.Space().NodeEdges(node)
	for e := lo; e < hi; e++ {
		if m.choices(t, e) > 0 {
			n++
		}
	}
	return n
}

// Genes are the operations of an edge that a gene can have: none only where derived cells have it.
func (m Mask) Genes(t CellType, e int) Set {
	if m.Space().withNone {
		return m.sets[t][e]
	}
	return m.sets[t][e].Without(None)
}

// choices is their number.
func (m Mask) choices(t CellType, e int) int { return m.Genes(t, e).Len() }

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

// LogArchitectures is the natural logarithm of the product of all set sizes: 28 ln 8 for the
// whole space of DARTS, -Inf if a set is empty.
func (m Mask) LogArchitectures() float64 {
	sum := 0.0
	for t, e := range m.Places() {
		sum += math.Log(float64(m.sets[t][e].Len()))
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
	for e := range m.Sets(t) {
		for _, p := range m.Primitives(t, e) {
			list = append(list, Candidate{t, e, p})
		}
	}
	return list
}
