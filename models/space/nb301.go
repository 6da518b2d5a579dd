package space

import (
	"fmt"
	"strconv"
)

// NB301Len is the number of categorical inputs of the surrogate: the operation on each of the 14
// edges of the normal cell, of the reduction cell, and the pairs of inputs of nodes 1 to 3 of both.
const NB301Len = 2*nb301Edges + 2*(nb301Nodes-1)

// The cell of DARTS.
const (
	nb301Edges = 14
	nb301Nodes = 4
)

// NB301 is an architecture as YAHPO Gym's surrogate of NAS-Bench-301 (nb301/encoding.json there)
// takes it: categories numbered in lexical order from 1, where 0 stands for an edge without an
// operation. Node 0 has only one pair of inputs and no category; the four nodes are called 2 to 5
// there. Which gene of a node is the stronger one is not part of it.
type NB301 [NB301Len]uint8

// nb301Codes are the codes of the operations: their lexical order.
var nb301Codes = map[Primitive]uint8{AvgPool3x3: 1, DilConv3x3: 2, DilConv5x5: 3, MaxPool3x3: 4,
	SepConv3x3: 5, SepConv5x5: 6, SkipConnect: 7}

// NB301 encodes a valid genotype.
func (g Genotype) NB301() (NB301, error) {
	var c NB301
	if g.Space() != DARTS {
		return c, fmt.Errorf("genotype: NAS-Bench-301 knows the cells of darts, not those of %s", g.Space().name)
	}
	if err := g.Validate(); err != nil {
		return c, err
	}
	for _, t := range DARTS.types {
		genes := g.Cell(t)
		for i, gene := range genes {
			c[int(t)*nb301Edges+DARTS.EdgeIndex(i/2, gene.Source)] = nb301Codes[gene.Op]
		}
		for node := 1; node < nb301Nodes; node++ {
			a, b := genes[2*node].Source, genes[2*node+1].Source
			c[pairIndex(t, node)] = pairCode(min(a, b), max(a, b), node+2)
		}
	}
	return c, nil
}

// pairIndex is the place of the pair of inputs of a node.
func pairIndex(t CellType, node int) int { return 2*nb301Edges + int(t)*(nb301Nodes-1) + node - 1 }

// pairCode numbers the pairs a < b of n states in lexical order from 1.
func pairCode(a, b, n int) uint8 {
	before := a * (2*n - a - 1) / 2 // pairs that start lower
	return uint8(before + b - a)
}

// Genotype decodes what Genotype.NB301 gives; the genes of a node come by rising source.
func (c NB301) Genotype() (Genotype, error) {
	var g Genotype
	for _, t := range DARTS.types {
		for node := range nb301Nodes {
			genes, err := c.node(t, node)
			if err != nil {
				return Genotype{}, fmt.Errorf("nb301 code %v: %w", c, err)
			}
			copy(g.cell(t)[2*node:], genes[:])
		}
	}
	return g, nil
}

func (c NB301) node(t CellType, node int) (genes [2]Gene, err error) {
	found := 0
	lo, hi := DARTS.NodeEdges(node)
	for e := lo; e < hi; e++ {
		code := c[int(t)*nb301Edges+e]
		if code == 0 {
			continue
		}
		p := primitiveOf(code)
		if p == None {
			return genes, fmt.Errorf("operations have the codes 1 to 7, not %d (%s)", code, edgePlace(t, e))
		}
		if found < 2 {
			genes[found] = Gene{p, e - lo}
		}
		found++
	}
	if found != 2 {
		return genes, fmt.Errorf("a node has 2 edges, not %d (%s)", found, nodePlace(t, node))
	}
	if node == 0 {
		return genes, nil
	}
	want := pairCode(genes[0].Source, genes[1].Source, node+2)
	if got := c[pairIndex(t, node)]; got != want {
		return genes, fmt.Errorf("states %d and %d are pair %d, not %d (%s)", genes[0].Source,
			genes[1].Source, want, got, nodePlace(t, node))
	}
	return genes, nil
}

// primitiveOf is None for a code that no operation has.
func primitiveOf(code uint8) Primitive {
	for p, c := range nb301Codes {
		if c == code {
			return p
		}
	}
	return None
}

// String is one hexadecimal digit for each code.
func (c NB301) String() string {
	b := make([]byte, 0, NB301Len)
	for _, code := range c {
		b = strconv.AppendUint(b, uint64(code), 16)
	}
	return string(b)
}

// ParseNB301 reads what String prints and checks that it is an architecture.
func ParseNB301(s string) (NB301, error) {
	var c NB301
	if len(s) != NB301Len {
		return c, fmt.Errorf("nb301 code %q: want %d hexadecimal digits, got %d characters", s, NB301Len,
			len(s))
	}
	for i := range c {
		code, err := strconv.ParseUint(s[i:i+1], 16, 8)
		if err != nil {
			return c, fmt.Errorf("nb301 code %q: %q is not a hexadecimal digit", s, s[i])
		}
		c[i] = uint8(code)
	}
	_, err := c.Genotype()
	return c, err
}
