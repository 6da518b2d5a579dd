package space

// Costs say what a derived network of some size costs: a part that all networks of the space share, and one for every
// gene, by cell type, edge and operation. A network costs the sum. Numbers of weights and of multiply-accumulates are
// such sums exactly; a latency is one as far as operations run one after the other.
type Costs struct {
	Fixed float64 // stem, head and what stands between cells
	Genes Scores  // of all cells of a type together
	of    *Space
}

// NewCosts returns costs of 0.
func (s *Space) NewCosts() *Costs { return &Costs{of: s.key()} }

// Space is the space whose networks have the costs.
func (c *Costs) Space() *Space { return c.of.orDARTS() }

// Gene is the cost of an operation on an edge.
func (c *Costs) Gene(t CellType, e int, p Primitive) *float64 { return &c.Genes[t][e][p.Index()] }

// Of is the cost of a genotype's network.
func (c *Costs) Of(g Genotype) float64 {
	sum := c.Fixed
	for _, t := range c.Space().types {
		for i, gene := range g.Cell(t) {
			sum += *c.Gene(t, c.Space().EdgeIndex(c.Space().NodeOf(i), gene.Source), gene.Op)
		}
	}
	return sum
}

// CountedCosts are the weights and the multiply-accumulates, for a square image of the given side, of the networks
// that NetworkParams and NetworkMACs count, without auxiliary head.
func (s *Space) CountedCosts(size Size, classes, image int) (params, macs *Costs) {
	params, macs = s.NewCosts(), s.NewCosts()
	n := counter{affine: true, side: image}
	n.net(s, size.Channels, size.Cells, classes, func(t CellType, c int) {
		s.places(t, c, n.side, func(e int, p Place) {
			weights, products := p.Count()
			*params.Gene(t, e, p.Op) += float64(weights)
			*macs.Gene(t, e, p.Op) += float64(products)
		})
	})
	params.Fixed, macs.Fixed = float64(n.params), float64(n.macs)
	return params, macs
}
