package space

import (
	"cmp"
	"fmt"
	"slices"
)

// Gene is one input of a node of a derived cell: an operation and the state that it reads. The inputs of the cell are
// the first states, then come the nodes: in DARTS 0 is c_{k-2}, 1 is c_{k-1}, i+2 is node i.
type Gene struct {
	Op     Primitive
	Source int
}

// Genotype is a derived architecture: the genes of every cell type, node by node. Where cells keep some of their
// edges, the stronger one of a node comes first; otherwise they come by rising source. Genotypes are comparable with ==. The
// zero value belongs to DARTS and is not valid.
type Genotype struct {
	of             *Space // nil: DARTS
	Normal, Reduce [MaxEdges]Gene
}

// Genotype makes a genotype of the genes of its cells, as many as the space has.
func (s *Space) Genotype(cells ...[]Gene) Genotype {
	g := Genotype{of: s.key()}
	for i, genes := range cells {
		copy(g.cell(CellType(i)), genes)
	}
	return g
}

// Space is the space of the genotype.
func (g Genotype) Space() *Space { return g.of.orDARTS() }

// Cell gives the genes of a cell type.
func (g Genotype) Cell(t CellType) []Gene { return g.cell(t) }

func (g *Genotype) cell(t CellType) []Gene {
	if t == Reduce {
		return g.Reduce[:g.Space().Genes()]
	}
	return g.Normal[:g.Space().Genes()]
}

// Node gives the genes of a node.
func (g Genotype) Node(t CellType, node int) []Gene { return g.node(t, node) }

func (g *Genotype) node(t CellType, node int) []Gene {
	lo, hi := g.Space().NodeGenes(node)
	return g.cell(t)[lo:hi]
}

// Validate checks that every gene has an operation that a derived cell of the space can have, on an edge that it has,
// and that the genes of a node read different states, as every derivation from a search gives.
func (g Genotype) Validate() error {
	for _, t := range g.Space().types {
		for node := range g.Space().nodes {
			genes := g.Node(t, node)
			for i := range genes {
				if err := g.Space().checkGene(t, node, genes, i); err != nil {
					return fmt.Errorf("genotype: %w (%s)", err, nodePlace(t, node))
				}
			}
		}
	}
	return nil
}

func (s *Space) checkGene(t CellType, node int, genes []Gene, i int) error {
	gene := genes[i]
	if gene.Op == nil || gene.Op == None && !s.withNone || s.operations[gene.Op.index] != gene.Op {
		return fmt.Errorf("%v is not an operation of a derived cell", gene.Op)
	}
	e := s.EdgeIndex(node, gene.Source)
	if e < 0 {
		return fmt.Errorf("node %d reads states %s, not %d", node, s.sources(node), gene.Source)
	}
	if !s.full[t][e].Has(gene.Op) {
		return fmt.Errorf("%v is not an operation of the edge from state %d", gene.Op, gene.Source)
	}
	for _, other := range genes[:i] {
		if other.Source == gene.Source {
			return fmt.Errorf("node %d reads %s different states, not %d twice", node, countWord(len(genes)), gene.Source)
		}
	}
	return nil
}

// sources lists the states that a node can read, for errors.
func (s *Space) sources(node int) string {
	lo, hi := s.NodeEdges(node)
	first, last := s.edges[lo].Source, s.edges[hi-1].Source
	if last-first == hi-lo-1 {
		return fmt.Sprintf("%d to %d", first, last)
	}
	var list []int
	for _, e := range s.edges[lo:hi] {
		list = append(list, e.Source)
	}
	return fmt.Sprint(list)
}

func countWord(n int) string {
	if n == 2 {
		return "two"
	}
	return fmt.Sprint(n)
}

// Canonical orders the genes of every node by their source: architectures that compute the same are equal then.
func (g Genotype) Canonical() Genotype {
	for _, t := range g.Space().types {
		for node := range g.Space().nodes {
			slices.SortFunc(g.node(t, node), func(a, b Gene) int { return cmp.Compare(a.Source, b.Source) })
		}
	}
	return g
}

// Counts is how often each operation occurs in all cells together.
func (g Genotype) Counts() map[Primitive]int {
	n := map[Primitive]int{}
	for _, t := range g.Space().types {
		for p, k := range g.CountsIn(t) {
			n[p] += k
		}
	}
	return n
}

// CountsIn is how often each operation occurs in a cell type.
func (g Genotype) CountsIn(t CellType) map[Primitive]int {
	n := map[Primitive]int{}
	for _, gene := range g.Cell(t) {
		n[gene.Op]++
	}
	return n
}

// Skips is the number of skip connections in a cell type. A run of them is the known way in which DARTS fails.
func (g Genotype) Skips(t CellType) (n int) {
	for _, gene := range g.Cell(t) {
		if gene.Op.IsSkip() {
			n++
		}
	}
	return n
}

// Allowed says whether the genotype is valid and a mask keeps every gene.
func (g Genotype) Allowed(m Mask) bool {
	if g.of != m.of || g.Validate() != nil {
		return false
	}
	for _, t := range g.Space().types {
		for node := range g.Space().nodes {
			for _, gene := range g.Node(t, node) {
				if !m.sets[t][g.Space().EdgeIndex(node, gene.Source)].Has(gene.Op) {
					return false
				}
			}
		}
	}
	return true
}
