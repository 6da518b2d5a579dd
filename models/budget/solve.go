package budget

import (
	"cmp"
	"fmt"
	"slices"

	"zos-ort/models/space"
)

// Derive gives the genotype of a mask with the largest sum of scores of those that meet the limits: the one that derives
// without limits, where that meets them. It is an error if none does.
func (ls Limits) Derive(s *space.Scores, m space.Mask) (space.Genotype, error) {
	g, err := space.DeriveFromScores(s, m)
	if err != nil || ls.Met(g) {
		return g, err
	}
	chosen, ok := ls.solve(s, m)
	if !ok {
		return g, fmt.Errorf("genotype: no network of the mask has %v", ls)
	}
	return space.DeriveFromScores(s, chosen)
}

// part is a choice for the first edges of a cell's, then of the next cell's nodes.
type part struct {
	value float64 // sum of strengths
	costs []float64
	genes int // chosen in the node that is not complete
	last  *choice
}

// choice is the last gene of a part, with those before it.
type choice struct {
	place
	op     space.Primitive
	before *choice
}

// place is an edge of a cell.
type place struct {
	t space.CellType
	e int
}

// solve finds the genotype of a mask with the largest sum of strengths within the limits, as a mask that holds nothing
// else. It goes edge by edge and keeps, of the parts with as many genes, those that no other one beats in strength and in
// every cost. A Lagrange relaxation bounds what a part can become.
func (ls Limits) solve(strength *space.Scores, m space.Mask) (space.Mask, bool) {
	nodes := nodesOf(m)
	b := ls.bounds(strength, nodes)
	if b == nil {
		return m, false
	}
	start := part{costs: make([]float64, len(ls))}
	for i, l := range ls {
		start.costs[i] = l.Costs.Fixed
	}
	front := []part{start}
	for n, node := range nodes {
		for e := range node.edges {
			front = ls.extend(front, node, e, strength)
			front = b.promising(front, b.rest[n][e+1])
			front = undominated(front)
		}
		for i := range front { // all of them have as many genes as the node takes
			front[i].genes = 0
		}
	}
	if len(front) == 0 {
		return m, false
	}
	best := slices.MaxFunc(front, func(a, b part) int { return cmp.Compare(a.value, b.value) })
	chosen := m.Space().EmptyMask()
	for c := best.last; c != nil; c = c.before {
		chosen.Put(c.t, c.e, space.SetOf(c.op))
	}
	return chosen, true
}

// extend leaves every part without the edge, and with each of its operations.
func (ls Limits) extend(front []part, n node, e int, strength *space.Scores) (next []part) {
	x := n.edges[e]
	for _, p := range front {
		if n.takes-p.genes <= len(n.edges)-e-1 {
			next = append(next, p)
		}
		if p.genes == n.takes {
			continue
		}
		for _, op := range x.ops {
			q := part{value: p.value + strength[x.t][x.e][op.Index()], genes: p.genes + 1,
				costs: make([]float64, len(ls)), last: &choice{x.place, op, p.last}}
			for i, l := range ls {
				q.costs[i] = p.costs[i] + *l.Costs.Gene(x.t, x.e, op)
			}
			next = append(next, q)
		}
	}
	return next
}

// undominated keeps the parts that no other one with as many genes beats, and of equal ones the first.
func undominated(list []part) (kept []part) {
	slices.SortStableFunc(list, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.genes, b.genes), cmp.Compare(b.value, a.value), slices.Compare(a.costs, b.costs))
	})
	first := 0 // of the parts with as many genes
	for _, p := range list {
		if first < len(kept) && kept[first].genes != p.genes {
			first = len(kept)
		}
		beaten := func(q part) bool { return dominates(q.costs, p.costs) }
		if len(p.costs) == 1 { // the last one kept has the least cost so far
			if first == len(kept) || !beaten(kept[len(kept)-1]) {
				kept = append(kept, p)
			}
		} else if !slices.ContainsFunc(kept[first:], beaten) {
			kept = append(kept, p)
		}
	}
	return kept
}

func dominates(a, b []float64) bool {
	for i := range a {
		if a[i] > b[i] {
			return false
		}
	}
	return true
}
