package budget

import (
	"cmp"
	"math"
	"slices"

	"zos-ort/models/space"
)

// node is a node of a cell type with the edges from which it can take genes.
type node struct {
	edges []edge
	takes int
}

// edge is one with the operations that a gene can have there.
type edge struct {
	place
	ops []space.Primitive
}

// nodesOf lists the nodes of all cell types.
func nodesOf(m space.Mask) (list []node) {
	s := m.Space()
	for _, t := range s.CellTypes() {
		for i := range s.Nodes() {
			n := node{takes: s.Takes(i)}
			lo, hi := s.NodeEdges(i)
			for e := lo; e < hi; e++ {
				if ops := s.Members(m.Genes(t, e)); len(ops) > 0 {
					n.edges = append(n.edges, edge{place{t, e}, ops})
				}
			}
			list = append(list, n)
		}
	}
	return list
}

// pick takes the genes of a node with the largest sum of values times a sign; nil if there are too few edges. Edges do
// not depend on each other, so these are the best operations of the best edges.
func (n node) pick(values *space.Scores, sign float64) (genes []choice) {
	for _, e := range n.edges {
		genes = append(genes, choice{place: e.place, op: slices.MaxFunc(e.ops, func(a, b space.Primitive) int {
			return cmp.Compare(sign*values[e.t][e.e][a.Index()], sign*values[e.t][e.e][b.Index()])
		})})
	}
	if len(genes) < n.takes {
		return nil
	}
	slices.SortStableFunc(genes, func(a, b choice) int { return cmp.Compare(sign*b.of(values), sign*a.of(values)) })
	return genes[:n.takes]
}

// of is the value of the choice.
func (c choice) of(values *space.Scores) float64 { return values[c.t][c.e][c.op.Index()] }

// sum is that of values of the genes that pick takes, and infinitely bad where there are too few edges.
func (n node) sum(values *space.Scores, sign float64) (sum float64) {
	genes := n.pick(values, sign)
	if len(genes) < n.takes {
		return math.Inf(-int(sign))
	}
	for _, g := range genes {
		sum += g.of(values)
	}
	return sum
}

// least and most are the smallest and the largest sum that genes of the node have.
func (n node) least(values *space.Scores) float64 { return n.sum(values, -1) }
func (n node) most(values *space.Scores) float64  { return n.sum(values, 1) }

// add adds values times a factor.
func add(to *space.Scores, by float64, values *space.Scores) {
	for t := range values {
		for e := range values[t] {
			for p, x := range values[t][e] {
				to[t][e][p] += by * x
			}
		}
	}
}
