package space

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Scores are strengths of operations by cell type, edge and index of the operation. Entries of masked
// operations, and of None where a derived cell has none, are not read when a genotype is derived.
type Scores [2][MaxEdges][MaxOperations]float64

// Scores are the softmax of the rows, times the edge weights where there are some.
func (a *Alphas) Scores() *Scores {
	var s Scores
	for _, t := range a.mask.Space().types {
		edges := a.EdgeWeights(nil, t)
		for e := range a.mask.Sets(t) {
			var w [MaxOperations]float64
			softmax(w[:], a.Row(t, e))
			for i, p := range a.mask.Primitives(t, e) {
				s[t][e][p.index] = w[i]
				if edges != nil {
					s[t][e][p.index] *= edges[e]
				}
			}
		}
	}
	return &s
}

// Genotype derives the architecture that the alphas stand for, see DeriveFromScores.
func (a *Alphas) Genotype() (Genotype, error) { return DeriveFromScores(a.Scores(), a.mask) }

// DeriveFromScores keeps, for every node, as many edges as a derived cell has: those whose best operation is
// strongest, and that operation. None takes part where the space says so. Unless cells keep all their edges, the stronger
// one comes first; of equals the lower edge and the lower operation win. A node with too few edges that can be chosen is
// an error, as is a score that is NaN.
func DeriveFromScores(s *Scores, m Mask) (Genotype, error) {
	g := m.Space().Genotype()
	for _, t := range m.Space().types {
		for node := range m.Space().nodes {
			genes, err := deriveNode(&s[t], m, t, node)
			if err != nil {
				return Genotype{}, fmt.Errorf("genotype: %w", err)
			}
			lo, _ := m.Space().NodeGenes(node)
			copy(g.cell(t)[lo:], genes)
		}
	}
	return g, nil
}

// scored is a gene and its strength.
type scored struct {
	Gene
	strength float64
}

func deriveNode(s *[MaxEdges][MaxOperations]float64, m Mask, t CellType, node int) ([]Gene, error) {
	var list []scored
	lo, hi := m.Space().NodeEdges(node)
	for e := lo; e < hi; e++ {
		if m.choices(t, e) == 0 {
			continue
		}
		op, score, err := strongest(&s[e], m.Space().Members(m.Genes(t, e)))
		if err != nil {
			return nil, fmt.Errorf("%w (%s)", err, edgePlace(t, e))
		}
		list = append(list, scored{Gene{op, m.Space().edges[e].Source}, score})
	}
	n := m.Space().Takes(node)
	if len(list) < n {
		return nil, fmt.Errorf("%w (%s)", m.tooFew(t, node), nodePlace(t, node))
	}
	if !m.Space().KeepsAll() {
		slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(b.strength, a.strength) })
	}
	genes := make([]Gene, n)
	for i := range genes {
		genes[i] = list[i].Gene
	}
	return genes, nil
}

// strongest is the operation with the highest score.
func strongest(scores *[MaxOperations]float64, ops []Primitive) (best Primitive, score float64, err error) {
	for _, p := range ops {
		x := scores[p.index]
		if math.IsNaN(x) {
			return nil, 0, fmt.Errorf("the weight of %v is NaN", p)
		}
		if best == nil || x > score {
			best, score = p, x
		}
	}
	return best, score, nil
}
