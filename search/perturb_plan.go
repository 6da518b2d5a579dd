package search

import (
	"zos-ort/models/space"
	"zos-ort/models/stream"
)

// turn is what decision n of a selection by perturbation is about in a kind of cell: an edge, whose operation it
// chooses, or a node, whose inputs it chooses; the other is -1. The seed draws the order.
func turn(s *space.Space, seed uint64, t space.CellType, n int) (edge, node int) {
	rng := stream.New(seed, stream.Perturbation, uint64(t))
	edges, chosen := rng.Perm(s.Edges()), s.Chosen()
	nodes := rng.Perm(len(chosen))
	if n < s.Edges() {
		return edges[n], -1
	}
	return -1, chosen[nodes[n-s.Edges()]]
}

// Trials is how many evaluations of the supernet decision n of a selection by perturbation makes under a mask. Within
// limits, which forbid some choices, it makes at most as many.
func Trials(mask space.Mask, seed uint64, n int) (sum int) {
	s := mask.Space()
	for _, t := range s.CellTypes() {
		edge, node := turn(s, seed, t, n)
		if edge >= 0 {
			if ops := mask.At(t, edge).Without(space.None).Len(); ops > 1 { // one operation needs no trial
				sum += ops
			}
			continue
		}
		inputs := 0
		lo, hi := s.NodeEdges(node)
		for e := lo; e < hi; e++ {
			if mask.At(t, e).Usable() {
				inputs++
			}
		}
		for ; inputs > s.Takes(node); inputs-- { // one goes after the other
			sum += inputs
		}
	}
	return sum
}
