package prune

import (
	"slices"

	"zos-ort/models/space"
)

// drop removes from every set its PerRound lowest-scoring operations, as far as they are droppable.
func (c Config) drop(mask space.Mask, s *Scores) (space.Mask, []space.Candidate) {
	turns, each := 1, c.PerRound
	if len(c.Limits) > 0 { // what an edge may lose depends on what the others have
		turns, each = c.PerRound, 1
	}
	var removed []space.Candidate
	for range turns {
		for t, e := range mask.Places() {
			for range each {
				list := c.droppable(mask, t, e)
				if len(list) == 0 {
					break
				}
				worst := space.Candidate{Cell: t, Edge: e, Op: c.lowest(list, &s[t][e])}
				mask = mask.Without(worst)
				removed = append(removed, worst)
			}
		}
	}
	return mask, removed
}

// droppable lists the operations of an edge without which the space has architectures, within the limits. Edges that
// are ranked together lose them together, so that all of them keep what the limits need, not the last ones alone.
func (c Config) droppable(m space.Mask, t space.CellType, e int) []space.Primitive {
	list := m.Space().Members(droppable(m, t, e) &^ c.Keep)
	if len(c.Limits) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(p space.Primitive) bool {
		return !c.Limits.Admits(c.Pool.with(m, space.Candidate{Cell: t, Edge: e, Op: p}).removed(m))
	})
}

// droppable are the operations of an edge that the space can lose. A set keeps its last operation. And
// where none is kept, it outlives the last other operation of an edge only as long as the node has enough
// more edges to choose: without them no genotype could be derived.
func droppable(m space.Mask, t space.CellType, e int) space.Set {
	set, s := m.At(t, e), m.Space()
	if set.Len() < 2 {
		return 0
	}
	if s.KeepsNone() || set.Without(space.None).Len() > 1 {
		return set
	}
	usable := 0
	node := s.EdgeAt(e).Node
	lo, hi := s.NodeEdges(node)
	for _, other := range m.Sets(t)[lo:hi] {
		if other.Usable() {
			usable++
		}
	}
	if usable > s.Takes(node) {
		return set
	}
	return space.SetOf(space.None)
}

// lowest is the operation with the lowest score; of equal ones the first, or the last if ties are to
// fall that way.
func (c Config) lowest(list []space.Primitive, scores *[space.MaxOperations]float64) space.Primitive {
	worst := list[0]
	for _, p := range list[1:] {
		if scores[p.Index()] < scores[worst.Index()] || c.LastOfTies && scores[p.Index()] == scores[worst.Index()] {
			worst = p
		}
	}
	return worst
}
