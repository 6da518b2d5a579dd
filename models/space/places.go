package space

// Place is where an operation stands in a network, as far as it decides what the operation costs.
type Place struct {
	Op       Primitive
	Channels int
	Side     int // height and width of what it reads
	Stride   int
}

// Count is the number of weights and of multiply-accumulates of the operation in a derived network.
func (p Place) Count() (params, macs int) {
	n := counter{affine: true, side: p.Side}
	n.operation(p.Op, p.Channels, p.Stride)
	return n.params, n.macs
}

// places calls visit for every operation of every edge of a cell that reads maps of a side.
func (s *Space) places(t CellType, channels, side int, visit func(e int, p Place)) {
	for e, edge := range s.edges {
		stride := s.Stride(t, edge.Source)
		for _, p := range s.Members(s.full[t][e]) {
			visit(e, Place{p, channels, sideRead(t, stride, side), stride})
		}
	}
}

// EachPlace calls visit for every operation of every edge of every cell of a network for a square image.
func (s *Space) EachPlace(size Size, image int, visit func(t CellType, e int, p Place)) {
	n := counter{affine: true, side: image}
	n.net(s, size.Channels, size.Cells, 2, func(t CellType, c int) {
		s.places(t, c, n.side, func(e int, p Place) { visit(t, e, p) })
	})
}

// Occurrence is a place and the number of edges, over all cells, on which its operation can stand there.
type Occurrence struct {
	Place
	Edges int
}

// Places are the different places of a network, in the order in which they first come. None, which is no layer, has none.
func (s *Space) Places(size Size, image int) (list []Occurrence) {
	at := map[Place]int{}
	s.EachPlace(size, image, func(_ CellType, _ int, p Place) {
		if p.Op == None {
			return
		}
		i, known := at[p]
		if !known {
			i, at[p] = len(list), len(list)
			list = append(list, Occurrence{Place: p})
		}
		list[i].Edges++
	})
	return list
}

// SumCosts are the costs of networks of which every operation costs what its place says.
func (s *Space) SumCosts(size Size, image int, fixed float64, cost func(Place) float64) *Costs {
	c := s.NewCosts()
	c.Fixed = fixed
	s.EachPlace(size, image, func(t CellType, e int, p Place) {
		if p.Op != None {
			*c.Gene(t, e, p.Op) += cost(p)
		}
	})
	return c
}
