package space

import (
	"fmt"
	"math/rand/v2"
)

// RandomGenotype draws an architecture uniformly from those that a mask allows. With the full mask
// every node has a uniform pair of sources and two uniform operations out of seven, the
// distribution of Figure 1 of the paper; with a smaller mask it is that one under the condition
// that the mask keeps all genes, so a pair of edges is as likely as it has combinations of
// operations. The genes of a node come by rising source.
func RandomGenotype(rng *rand.Rand, m Mask) (Genotype, error) {
	var g Genotype
	for _, t := range CellTypes {
		for node := range Nodes {
			genes, err := randomNode(rng, m, t, node)
			if err != nil {
				return Genotype{}, err
			}
			copy(g.cell(t)[2*node:], genes[:])
		}
	}
	return g, nil
}

func randomNode(rng *rand.Rand, m Mask, t CellType, node int) ([2]Gene, error) {
	var a, b, total int
	lo, hi := NodeEdges(node)
	for j := lo; j < hi; j++ {
		for i := lo; i < j; i++ {
			// Taking the newest pair with its share of the combinations so far leaves every pair
			// with its share of all of them.
			n := choices(m[t][i]) * choices(m[t][j])
			total += n
			if n > 0 && rng.IntN(total) < n {
				a, b = i, j
			}
		}
	}
	if total == 0 {
		return [2]Gene{}, fmt.Errorf(
			"random genotype: a node needs 2 edges with an operation other than none, has %d (%s)",
			m.usableEdges(t, node), nodePlace(t, node))
	}
	return [2]Gene{randomGene(rng, m[t][a], a-lo), randomGene(rng, m[t][b], b-lo)}, nil
}

func randomGene(rng *rand.Rand, s Set, source int) Gene {
	return Gene{s.Without(None).Primitives()[rng.IntN(choices(s))], source}
}

// choices is the number of operations that a gene on the edge can have.
func choices(s Set) int { return s.Without(None).Len() }
