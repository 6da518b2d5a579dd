package prune

import (
	"fmt"

	"zos-ort/models/space"
)

// Pool says from how many edges at once a ranked network lacks an operation.
//
// Algorithm 1 removes one operation of one edge at a time. What that does to the kernel norm depends
// on the initial weights far more than on the operation, so that scores of single edges are noise
// unless hundreds of initialisations are averaged. The same operation removed from many edges at once
// gives a sum of effects, in which the noise of the edges averages out, for a fraction of the networks.
// All edges of a pool then have one score for an operation and lose the same operations.
type Pool string

// Pools.
const (
	// NoPool ranks every operation of every edge by itself: the paper's Algorithm 1.
	NoPool Pool = "none"
	// PoolCell ranks an operation on all edges of a cell type.
	PoolCell Pool = "cell"
	// PoolNetwork ranks an operation on all edges of both cell types.
	PoolNetwork Pool = "network"
)

// ParsePool reads the name of a pool; the empty one is none.
func ParsePool(s string) (Pool, error) {
	switch p := Pool(s); p {
	case NoPool, PoolCell, PoolNetwork:
		return p, nil
	case "":
		return NoPool, nil
	}
	return "", fmt.Errorf("unknown pool %q: use %s, %s or %s", s, NoPool, PoolCell, PoolNetwork)
}

// joins reports whether edges of two cell types are ranked together.
func (p Pool) joins(a, b space.CellType) bool { return p == PoolNetwork || p == PoolCell && a == b }

// group are the operations that one ranked network lacks together.
type group []space.Candidate

// groups divides the operations of a mask.
func (p Pool) groups(mask space.Mask) (list []group) {
	type key struct {
		op   space.Primitive
		cell space.CellType
	}
	at := map[key]int{}
	for _, t := range mask.Space().CellTypes() {
		for _, c := range mask.Candidates(t) {
			if !p.joins(t, t) {
				list = append(list, group{c})
				continue
			}
			k := key{op: c.Op}
			if p == PoolCell {
				k.cell = t
			}
			i, known := at[k]
			if !known {
				i = len(list)
				at[k] = i
				list = append(list, nil)
			}
			list[i] = append(list[i], c)
		}
	}
	return list
}

// withoutEach are the networks of a round: the mask without each group, and last the whole mask.
func withoutEach(mask space.Mask, groups []group) (list []space.Mask) {
	for _, g := range groups {
		list = append(list, g.removed(mask))
	}
	return append(list, mask)
}

// removed is a mask without the operations of the group.
func (g group) removed(m space.Mask) space.Mask {
	for _, c := range g {
		if len(g) == 1 || m.At(c.Cell, c.Edge).Len() > 1 { // the other edges of a pool lose it, this one has no other
			m = m.Without(c)
		}
	}
	return m
}

// with are the operations that are ranked together with one.
func (p Pool) with(m space.Mask, c space.Candidate) (g group) {
	for t, e := range m.Places() {
		if own := t == c.Cell && e == c.Edge; own || p.joins(t, c.Cell) {
			g = append(g, space.Candidate{Cell: t, Edge: e, Op: c.Op})
		}
	}
	return g
}
