package prune

import "zos-ort/models/space"

// drop removes from every set its PerRound lowest-scoring operations, as far as they are droppable.
func (c Config) drop(mask space.Mask, s *Scores) (space.Mask, []space.Candidate) {
	var removed []space.Candidate
	for _, t := range space.CellTypes {
		for e := range mask[t] {
			for range c.PerRound {
				set := droppable(mask, t, e)
				if set.Empty() {
					break
				}
				worst := c.lowest(set, s[t][e])
				mask[t][e] = mask[t][e].Without(worst)
				removed = append(removed, space.Candidate{Cell: t, Edge: e, Op: worst})
			}
		}
	}
	return mask, removed
}

// droppable are the operations of an edge that the space can lose. A set keeps its last operation. And
// where none is kept, it outlives the last other operation of an edge only as long as the node has two
// more edges to choose: without them no genotype could be derived.
func droppable(m space.Mask, t space.CellType, e int) space.Set {
	set := m[t][e]
	if set.Len() < 2 {
		return 0
	}
	if set.Without(space.None).Len() > 1 {
		return set
	}
	usable := 0
	lo, hi := space.NodeEdges(space.EdgeAt(e).Node)
	for _, other := range m[t][lo:hi] {
		if other.Usable() {
			usable++
		}
	}
	if usable > 2 {
		return set
	}
	return space.SetOf(space.None)
}

// lowest is the operation with the lowest score; of equal ones the first, or the last if ties are to
// fall that way.
func (c Config) lowest(set space.Set, scores [space.NumPrimitives]float64) space.Primitive {
	list := set.Primitives()
	worst := list[0]
	for _, p := range list[1:] {
		if scores[p] < scores[worst] || c.LastOfTies && scores[p] == scores[worst] {
			worst = p
		}
	}
	return worst
}
