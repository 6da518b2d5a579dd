package space

import "fmt"

// Gene is one input of a node of a derived cell: an operation and the state that it reads (0 is
// c_{k-2}, 1 is c_{k-1}, i+2 is node i).
type Gene struct {
	Op     Primitive
	Source int
}

// Genotype is a derived architecture. Genes 2i and 2i+1 are the inputs of node i, the stronger one
// first; a cell always joins its four nodes, states 2 to 5. Genotypes are comparable with ==.
type Genotype struct{ Normal, Reduce [2 * Nodes]Gene }

// Cell gives the genes of a cell type.
func (g Genotype) Cell(t CellType) [2 * Nodes]Gene {
	if t == Reduce {
		return g.Reduce
	}
	return g.Normal
}

func (g *Genotype) cell(t CellType) *[2 * Nodes]Gene {
	if t == Reduce {
		return &g.Reduce
	}
	return &g.Normal
}

// Validate checks that every gene has an operation other than none and reads an earlier state, and
// that the two genes of a node read different ones, as every derivation from a search gives.
func (g Genotype) Validate() error {
	for _, t := range CellTypes {
		genes := g.Cell(t)
		for i, gene := range genes {
			node := i / 2
			place := nodePlace(t, node)
			switch {
			case gene.Op == None || gene.Op >= NumPrimitives:
				return fmt.Errorf("genotype: %v is not an operation of a derived cell (%s)", gene.Op, place)
			case gene.Source < 0 || gene.Source >= node+2:
				return fmt.Errorf("genotype: node %d reads states 0 to %d, not %d (%s)",
					node, node+1, gene.Source, place)
			case i%2 == 1 && gene.Source == genes[i-1].Source:
				return fmt.Errorf("genotype: node %d reads two different states, not %d twice (%s)",
					node, gene.Source, place)
			}
		}
	}
	return nil
}

// Counts is how often each operation occurs in both cells together. A run of skip_connect is the
// known way in which DARTS fails.
func (g Genotype) Counts() (n [NumPrimitives]int) {
	for _, t := range CellTypes {
		for p, k := range g.CountsIn(t) {
			n[p] += k
		}
	}
	return n
}

// CountsIn is how often each operation occurs in a cell type.
func (g Genotype) CountsIn(t CellType) (n [NumPrimitives]int) {
	for _, gene := range g.Cell(t) {
		if gene.Op < NumPrimitives {
			n[gene.Op]++
		}
	}
	return n
}

// Allowed says whether the genotype is valid and a mask keeps every gene.
func (g Genotype) Allowed(m Mask) bool {
	if g.Validate() != nil {
		return false
	}
	for _, t := range CellTypes {
		for i, gene := range g.Cell(t) {
			if !m[t][EdgeIndex(i/2, gene.Source)].Has(gene.Op) {
				return false
			}
		}
	}
	return true
}
