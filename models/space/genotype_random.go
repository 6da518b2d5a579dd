package space

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// RandomGenotype draws an architecture uniformly from those that a mask allows. With the full mask of DARTS
// every node has a uniform pair of sources and two uniform operations out of seven, the
// distribution of Figure 1 of the paper; with a smaller mask it is that one under the condition
// that the mask keeps all genes, so a pair of edges is as likely as it has combinations of
// operations. The genes of a node come by rising source.
func RandomGenotype(rng *rand.Rand, m Mask) (Genotype, error) {
	g := m.Space().Genotype()
	for _, t := range m.Space().types {
		for node := range m.Space().nodes {
			genes, err := randomNode(rng, m, t, node)
			if err != nil {
				return Genotype{}, err
			}
			lo, _ := m.Space().NodeGenes(node)
			copy(g.cell(t)[lo:], genes)
		}
	}
	return g, nil
}

func randomNode(rng *rand.Rand, m Mask, t CellType, node int) ([]Gene, error) {
	if m.usableEdges(t, node) < m.Space().Takes(node) {
		return nil, fmt.Errorf("random genotype: %w (%s)", m.tooFew(t, node), nodePlace(t, node))
	}
	var genes []Gene
	for _, e := range randomEdges(rng, m, t, node) {
		ops := m.Space().Members(m.Genes(t, e))
		genes = append(genes, Gene{ops[rng.IntN(len(ops))], m.Space().edges[e].Source})
	}
	return genes, nil
}

// randomEdges draws the edges that a node keeps, each choice with a probability in proportion to its combinations of
// operations.
func randomEdges(rng *rand.Rand, m Mask, t CellType, node int) (chosen []int) {
	total := 0
	lo, hi := m.Space().NodeEdges(node)
	subsets(lo, hi, m.Space().Takes(node), func(edges []int) {
		// Taking the newest choice with its share of the combinations so far leaves every one
		// with its share of all of them.
		n := 1
		for _, e := range edges {
			n *= m.choices(t, e)
		}
		total += n
		if n > 0 && rng.IntN(total) < n {
			chosen = append(chosen[:0], edges...)
		}
	})
	return chosen
}

// subsets calls f with every rising choice of k of the numbers lo to hi-1, those with the lowest last number first.
func subsets(lo, hi, k int, f func([]int)) {
	list := make([]int, k)
	var fill func(i, below int)
	fill = func(i, below int) {
		if i < 0 {
			f(list)
			return
		}
		for x := lo + i; x < below; x++ {
			list[i] = x
			fill(i-1, x)
		}
	}
	fill(k-1, hi)
}

// Heaviest is an architecture with the operation that has most weights on every edge it keeps, those from the
// earliest states.
func (s *Space) Heaviest() Genotype {
	g := s.Genotype()
	full := s.FullMask()
	for _, t := range s.types {
		for node := range s.nodes {
			lo, _ := s.NodeEdges(node)
			for i := range g.node(t, node) {
				g.node(t, node)[i] = Gene{heaviest(s.Members(full.Genes(t, lo+i))), s.edges[lo+i].Source}
			}
		}
	}
	return g
}

func heaviest(ops []Primitive) Primitive {
	const channels = 16
	return slices.MaxFunc(ops, func(a, b Primitive) int {
		return cmp.Compare(OperationParams(a, channels, 1), OperationParams(b, channels, 1))
	})
}
