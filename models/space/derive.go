package space

import (
	"fmt"
	"math"
)

// Scores are strengths of operations by cell type, edge and primitive. Entries of masked
// operations and of None are not read when a genotype is derived.
type Scores [2][Edges][NumPrimitives]float64

// Scores are the softmax of the rows, times the edge weights where there are some.
func (a *Alphas) Scores() Scores {
	var s Scores
	for _, t := range CellTypes {
		edges := a.EdgeWeights(nil, t)
		for e, set := range a.mask[t] {
			var w [NumPrimitives]float64
			softmax(w[:], a.Row(t, e))
			for i, p := range set.Primitives() {
				s[t][e][p] = w[i]
				if edges != nil {
					s[t][e][p] *= edges[e]
				}
			}
		}
	}
	return s
}

// Genotype derives the architecture that the alphas stand for, see DeriveFromScores.
func (a *Alphas) Genotype() (Genotype, error) { return DeriveFromScores(a.Scores(), a.mask) }

// DeriveFromScores keeps, for every node, the two edges whose best operation other than none is
// strongest, and that operation; the stronger edge comes first. Of equals the lower edge and the
// lower primitive win. An edge with only none cannot be chosen; a node with fewer than two others
// is an error, as is a score that is NaN.
func DeriveFromScores(s Scores, m Mask) (Genotype, error) {
	var g Genotype
	for _, t := range CellTypes {
		for node := range Nodes {
			genes, err := deriveNode(&s[t], m, t, node)
			if err != nil {
				return Genotype{}, fmt.Errorf("genotype: %w", err)
			}
			copy(g.cell(t)[2*node:], genes[:])
		}
	}
	return g, nil
}

func deriveNode(s *[Edges][NumPrimitives]float64, m Mask, t CellType, node int) ([2]Gene, error) {
	var genes [2]Gene
	var strength [2]float64
	found := 0
	lo, hi := NodeEdges(node)
	for e := lo; e < hi; e++ {
		if !m[t][e].Usable() {
			continue
		}
		op, score, err := strongest(&s[e], m[t][e])
		if err != nil {
			return genes, fmt.Errorf("%w (%s)", err, edgePlace(t, e))
		}
		gene := Gene{op, e - lo}
		// Strictly greater: the edges come in rising order and the lower one wins a tie.
		switch {
		case found == 0 || score > strength[0]:
			genes, strength = [2]Gene{gene, genes[0]}, [2]float64{score, strength[0]}
		case found == 1 || score > strength[1]:
			genes[1], strength[1] = gene, score
		}
		found++
	}
	if found < 2 {
		return genes, fmt.Errorf("a node needs 2 edges with an operation other than none, has %d (%s)",
			found, nodePlace(t, node))
	}
	return genes, nil
}

// strongest is the member of a usable set, other than none, with the highest score.
func strongest(scores *[NumPrimitives]float64, set Set) (best Primitive, score float64, err error) {
	best = None
	for _, p := range set.Without(None).Primitives() {
		if math.IsNaN(scores[p]) {
			return None, 0, fmt.Errorf("the weight of %v is NaN", p)
		}
		if best == None || scores[p] > score {
			best, score = p, scores[p]
		}
	}
	return best, score, nil
}
