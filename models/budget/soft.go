package budget

import (
	"zos-ort/models/space"
)

// Prices are the weights of the limits in the gradient of the alphas: Lagrange multipliers, which grow while derived
// networks break their limit and shrink while they meet it.
type Prices []float64

// Adjust changes the prices by the excess of a genotype's network over every limit, relative to the limit.
func (p Prices) Adjust(ls Limits, g space.Genotype) {
	for i, l := range ls {
		p[i] = max(0, p[i]+l.Costs.Of(g)/l.Most-1)
	}
}

// AddGradient adds to grad the gradient, with respect to the alphas, of the sum over limits of price times expected
// cost as a part of the limit.
func (ls Limits) AddGradient(grad, a *space.Alphas, p Prices) error {
	for i, l := range ls {
		if p[i] == 0 {
			continue
		}
		for _, t := range a.Mask().Space().CellTypes() {
			ops, edges := l.slopes(a, t, p[i]/l.Most)
			if err := a.MixBackward(grad, t, ops); err != nil {
				return err
			}
			if !a.HasEdgeWeights() {
				continue
			}
			if err := a.EdgeBackward(grad, t, edges); err != nil {
				return err
			}
		}
	}
	return nil
}

// Expected is the expected cost of a network whose genes are drawn with the mixing weights. A node takes an edge with
// the weight of the edge, or as any other one where edges have no weights.
func (l Limit) Expected(a *space.Alphas) float64 {
	sum := l.Costs.Fixed
	for _, t := range a.Mask().Space().CellTypes() {
		ops, _ := l.slopes(a, t, 1)
		for i, w := range a.MixWeights(nil, t) {
			sum += w * ops[i]
		}
	}
	return sum
}

// slopes are the derivatives of the expected cost by the mixing weights of operations, in flat order, and of edges.
func (l Limit) slopes(a *space.Alphas, t space.CellType, scale float64) (ops, edges []float64) {
	m := a.Mask()
	mix, beta := a.MixWeights(nil, t), a.EdgeWeights(nil, t)
	ops, edges = make([]float64, len(mix)), make([]float64, m.Space().Edges())
	for i, c := range m.Candidates(t) {
		cost := scale * *l.Costs.Gene(t, c.Edge, c.Op)
		share, free := shareOf(m.Space(), c.Edge)
		edges[c.Edge] += share * mix[i] * cost
		if beta != nil && free {
			share *= beta[c.Edge]
		} else {
			edges[c.Edge] = 0
			if free {
				lo, hi := m.Space().NodeEdges(m.Space().EdgeAt(c.Edge).Node)
				share /= float64(hi - lo)
			}
		}
		ops[i] = share * cost
	}
	return ops, edges
}

// shareOf is the number of genes of an edge's node where it chooses among its edges, and otherwise one for each edge.
func shareOf(s *space.Space, e int) (share float64, chooses bool) {
	node := s.EdgeAt(e).Node
	lo, hi := s.NodeEdges(node)
	if s.Takes(node) == hi-lo {
		return 1, false
	}
	return float64(s.Takes(node)), true
}
