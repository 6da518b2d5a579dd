package space

import "slices"

// Live is the genotype with none where nobody reads what a gene gives: a node whose readers are none, or that is not
// part of the output. Graphs leave such genes out. It describes the same network, also where its space lets no gene be
// none.
func (g Genotype) Live() Genotype {
	for _, t := range g.Space().types {
		for node := g.Space().nodes - 1; node >= 0; node-- {
			if g.read(t, node) {
				continue
			}
			genes := g.node(t, node)
			for i := range genes {
				genes[i].Op = None
			}
		}
	}
	return g
}

// read says whether the output, or an operation of a later node, reads a node.
func (g Genotype) read(t CellType, node int) bool {
	s := g.Space()
	if s.output != Last || node == s.nodes-1 {
		return true
	}
	_, end := s.NodeGenes(node)
	return slices.ContainsFunc(g.cell(t)[end:], func(x Gene) bool { return x.Source == node+s.inputs && x.Op != None })
}
