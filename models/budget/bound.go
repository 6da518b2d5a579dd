package budget

import (
	"math"
	"slices"

	"zos-ort/models/space"
)

// rest is what can come after a part, at best: the least costs, and the largest sum of strengths minus prices times
// costs.
type rest struct {
	value float64
	costs []float64
}

// bounds say which parts are worth going on with: a part whose strength, with what the rest can add to it at the
// prices of a Lagrange relaxation, stays below a strength that can be reached, or that no rest keeps within the limits, is
// not.
type bounds struct {
	limits Limits
	prices []float64
	low    float64    // a strength that is reached, if there is a genotype within the limits
	rest   [][][]rest // by node, edge of the node (one more than there are) and genes chosen in the node
}

// relaxations are the steps with which prices are sought.
const relaxations = 100

// bounds finds good prices; it is nil where no genotype meets the limits.
func (ls Limits) bounds(strength *space.Scores, nodes []node) *bounds {
	b := &bounds{limits: ls, prices: make([]float64, len(ls))}
	for _, n := range nodes {
		least := n.least(strength)
		if b.low += least; math.IsInf(least, 0) { // too few edges
			return nil
		}
	}
	lowest, best := math.Inf(1), slices.Clone(b.prices)
	for range relaxations {
		dual, value, excess, met := b.relax(strength, nodes)
		if met {
			b.low = max(b.low, value)
		}
		if dual < lowest {
			lowest = dual
			copy(best, b.prices)
		}
		if dual < b.low-b.slack() {
			return nil
		}
		if !b.step(dual, excess) {
			break
		}
	}
	b.prices = best
	b.reach(strength, nodes)
	b.complete(strength, nodes)
	return b
}

// reach looks for a strength within the limits at prices that are higher and higher.
func (b *bounds) reach(strength *space.Scores, nodes []node) {
	at := slices.Clone(b.prices)
	for scale := 1.; scale < 4; scale *= 1.03 {
		for i, x := range at {
			b.prices[i] = scale * x
		}
		if _, value, _, met := b.relax(strength, nodes); met {
			b.low = max(b.low, value)
			break
		}
	}
	b.prices = at
}

// slack is what rounding may change, and the last digits that do not count in a limit.
func (b *bounds) slack() float64 {
	sum := 1 + math.Abs(b.low)
	for _, x := range b.prices {
		sum += x
	}
	return 1e-8 * sum
}

// relax finds the best genotype at the prices: dual is the bound that it gives, excess by how much it breaks limits,
// relative to them.
func (b *bounds) relax(strength *space.Scores, nodes []node) (dual, value float64, excess []float64, met bool) {
	values := b.priced(strength)
	costs := make([]float64, len(b.limits))
	for i, l := range b.limits {
		costs[i] = l.Costs.Fixed
	}
	for _, n := range nodes {
		for _, g := range n.pick(values, 1) {
			value += g.of(strength)
			for i, l := range b.limits {
				costs[i] += g.of(&l.Costs.Genes)
			}
		}
	}
	dual, met = value, true
	for i, l := range b.limits {
		x := costs[i]/l.Most - 1
		excess = append(excess, x)
		dual -= b.prices[i] * x
		met = met && l.within(costs[i])
	}
	return dual, value, excess, met
}

// priced are strengths minus prices times costs, as parts of the limits.
func (b *bounds) priced(strength *space.Scores) *space.Scores {
	values := *strength
	for i, l := range b.limits {
		add(&values, -b.prices[i]/l.Most, &l.Costs.Genes)
	}
	return &values
}

// step changes the prices as Polyak does (1969); it reports false at the end.
func (b *bounds) step(dual float64, excess []float64) bool {
	square := 0.
	for i, x := range excess {
		if x > 0 || b.prices[i] > 0 {
			square += x * x
		}
	}
	if square == 0 {
		return false
	}
	size := max(dual-b.low, b.slack()) / square
	for i, x := range excess {
		b.prices[i] = max(0, b.prices[i]+size*x)
	}
	return true
}

// complete computes what can come after every place.
func (b *bounds) complete(strength *space.Scores, nodes []node) {
	values := b.priced(strength)
	b.rest = make([][][]rest, len(nodes))
	tail := rest{costs: make([]float64, len(b.limits))}
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		b.rest[i] = make([][]rest, len(n.edges)+1)
		for e := len(n.edges); e >= 0; e-- {
			row := make([]rest, n.takes+1)
			for genes := range row {
				if n.takes-genes > len(n.edges)-e { // no part has so few
					continue
				}
				left := node{n.edges[e:], n.takes - genes}
				row[genes] = rest{tail.value + left.most(values), make([]float64, len(b.limits))}
				for j, l := range b.limits {
					row[genes].costs[j] = tail.costs[j] + left.least(&l.Costs.Genes)
				}
			}
			b.rest[i][e] = row
		}
		tail = b.rest[i][0][0]
	}
}

// promising keeps the parts that are worth going on with, given the rests by the genes of the node.
func (b *bounds) promising(list []part, after []rest) []part {
	return slices.DeleteFunc(list, func(p part) bool {
		r := after[p.genes]
		bound := p.value + r.value
		for i, l := range b.limits {
			if !l.within(p.costs[i] + r.costs[i]) {
				return true
			}
			bound += b.prices[i] * (1 - p.costs[i]/l.Most)
		}
		return bound < b.low-b.slack()
	})
}
