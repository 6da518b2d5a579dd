package space

import (
	"fmt"
	"math"
	"slices"
)

// Limits of spaces. Masks, genotypes and scores are arrays of this size, so that they are values that == compares.
const (
	MaxOperations = 32 // on an edge, none included
	MaxNodes      = 8
	MaxEdges      = 44 // of 8 nodes that read 2 inputs and every node before
)

// Space is a search space: operations, the cell in which they stand on edges, and the network of such cells. It is
// read from a document (see Parse) and does not change. One document gives one *Space, so that pointers, and with
// them masks and genotypes, can be compared with ==.
type Space struct {
	name, about string
	document    []byte // without white space
	shipped     bool
	operations  []Primitive // by index; the first is None, also where the document does not list it
	listsNone   bool
	full        [2][MaxEdges]Set // by cell type
	inputs      int
	nodes       int
	edges       []Edge
	start       []int // edges start[i] to start[i+1] go to node i
	index       [MaxNodes][MaxNodes + 2]int
	keep        int // inputs of a node in a derived cell
	withNone    bool
	genes       []int // genes genes[i] to genes[i+1] are those of node i
	types       []CellType
	skeleton    Skeleton
	output      Output
}

// Output says how the nodes of a cell become its output.
type Output string

// Outputs of cells.
const (
	Concat Output = "concat" // the channels of all nodes, side by side
	Sum    Output = "sum"    // the sum of all nodes
	Last   Output = "last"   // the last node
)

// Size is the size of a network.
type Size struct {
	Channels int // of the first cells
	Cells    int
}

// Skeleton is the network around the cells: a stem (Conv3x3, batch norm), stages of cells, a head (global average
// pooling, linear). Height and width halve between stages.
type Skeleton struct {
	Stem       int   // channels of the stem, as a multiple of those of the first cells
	Stages     []int // channels of the cells of every stage, as multiples of those of the first
	Residual   bool  // a residual block stands between stages; otherwise the first cell of a stage reduces
	Preprocess bool  // a 1x1 convolution brings the inputs of a cell to its channels
	Normalised bool  // batch norm and ReLU come before the pooling of the head
	Search     Size  // what the literature searches
	Retrain    Size  // and trains
}

// Name is the name that the document gives.
func (s *Space) Name() string { return s.name }

// About is one line about it.
func (s *Space) About() string { return s.about }

// Document is the text that the space was read from, without white space.
func (s *Space) Document() []byte { return slices.Clone(s.document) }

// Skeleton is the network around the cells.
func (s *Space) Skeleton() Skeleton { return s.skeleton }

// Output says how the nodes of a cell become its output.
func (s *Space) Output() Output { return s.output }

// Operations lists those of an edge of the whole space, in the order of the document, which decides ties and the
// layout of Alphas.
func (s *Space) Operations() []Primitive {
	if s.listsNone {
		return s.operations
	}
	return s.operations[1:]
}

// CellTypes lists the kinds of cells.
func (s *Space) CellTypes() []CellType { return s.types }

// Inputs is the number of inputs of a cell: 2 for the two cells before, 1 for the last one. They are the first states.
func (s *Space) Inputs() int { return s.inputs }

// Nodes is the number of nodes of a cell; node i is state i+Inputs.
func (s *Space) Nodes() int { return s.nodes }

// Edges is the number of edges of a cell.
func (s *Space) Edges() int { return len(s.edges) }

// Edge is where an edge goes and the state that it reads.
type Edge struct{ Node, Source int }

// EdgeAt is the edge with number e, 0 <= e < Edges.
func (s *Space) EdgeAt(e int) Edge { return s.edges[e] }

// EdgeIndex is the number of the edge from a source to a node, -1 if there is none.
func (s *Space) EdgeIndex(node, source int) int {
	if node < 0 || node >= s.nodes || source < 0 || source >= node+s.inputs {
		return -1
	}
	return s.index[node][source] - 1
}

// NodeEdges gives the edges into a node: lo, lo+1, ..., hi-1, by rising source.
func (s *Space) NodeEdges(node int) (lo, hi int) { return s.start[node], s.start[node+1] }

// Genes is the number of genes of a derived cell.
func (s *Space) Genes() int { return s.genes[s.nodes] }

// NodeGenes gives the genes of a node: lo, ..., hi-1.
func (s *Space) NodeGenes(node int) (lo, hi int) { return s.genes[node], s.genes[node+1] }

// NodeOf is the node of a gene.
func (s *Space) NodeOf(gene int) int {
	node := 0
	for gene >= s.genes[node+1] {
		node++
	}
	return node
}

// KeepsNone says whether none can be an operation of a derived cell.
func (s *Space) KeepsNone() bool { return s.withNone }

// KeepsAll says whether a derived cell has all edges.
func (s *Space) KeepsAll() bool { return s.keep == MaxEdges }

// Decisions is the number of decisions that derive a cell one by one: the operation of every edge, and the inputs of
// every node that has more than it keeps.
func (s *Space) Decisions() int { return s.Edges() + len(s.Chosen()) }

// Chosen lists the nodes that have more inputs than they keep.
func (s *Space) Chosen() (nodes []int) {
	for node := range s.nodes {
		lo, hi := s.NodeEdges(node)
		if hi-lo > s.Takes(node) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// FullMask has all operations of all edges.
func (s *Space) FullMask() Mask {
	m := s.EmptyMask()
	for _, t := range s.types {
		m.sets[t] = s.full[t]
	}
	return m
}

// EmptyMask has none.
func (s *Space) EmptyMask() Mask { return Mask{of: s.key()} }

// key is what values hold of a space: nothing of DARTS, so that their zero values are of that space.
func (s *Space) key() *Space {
	if s == DARTS {
		return nil
	}
	return s
}

func (s *Space) orDARTS() *Space {
	if s == nil {
		return DARTS
	}
	return s
}

// Operation gives the operation of a name. The error of an unknown name lists the known ones.
func (s *Space) Operation(name string) (Primitive, error) {
	if p := s.find(name); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("unknown operation %q: use one of %s", name, joined(s.Operations()))
}

// Reductions are the positions of the cells before which height and width halve, in a network of that many cells. In
// small ones some coincide.
func (s *Space) Reductions(cells int) (list []int) {
	n := len(s.skeleton.Stages)
	for i := 1; i < n; i++ {
		if at := i * cells / n; len(list) == 0 || at != list[len(list)-1] {
			list = append(list, at)
		}
	}
	return list
}

// Reduces reports whether height and width halve at cell i of a network of n cells.
func (s *Space) Reduces(i, cells int) bool {
	for _, at := range s.Reductions(cells) {
		if at == i {
			return true
		}
	}
	return false
}

// TypeAt is the type of cell i of a network of n cells.
func (s *Space) TypeAt(i, cells int) CellType {
	if !s.skeleton.Residual && s.Reduces(i, cells) {
		return Reduce
	}
	return Normal
}

// ChannelsAt are the channels of cell i of a network of n cells whose first have c.
func (s *Space) ChannelsAt(i, cells, c int) int {
	stage := 0
	for _, at := range s.Reductions(cells) {
		if at <= i {
			stage++
		}
	}
	return c * s.skeleton.Stages[stage]
}

// CheckChannels checks that cells with these channels can be built.
func (s *Space) CheckChannels(c int) error {
	for _, p := range s.operations {
		for _, part := range p.parts {
			if part.Kind == ConvPart && c%part.Groups != 0 {
				return fmt.Errorf("%v has %d groups, which do not divide %d channels", p, part.Groups, c)
			}
		}
	}
	return nil
}

// CellChannels are the channels of the output of a cell of c channels.
func (s *Space) CellChannels(c int) int {
	if s.output == Concat {
		return c * s.nodes
	}
	return c
}

// Stride is the stride of the operations on an edge from a source.
func (s *Space) Stride(t CellType, source int) int {
	if t == Reduce && source < s.inputs {
		return 2
	}
	return 1
}

// LogArchitectures is the natural logarithm of the number of architectures: of the ways to choose the inputs of
// every node and the operation of every gene. Masks count differently, see Mask.LogArchitectures.
func (s *Space) LogArchitectures() float64 {
	sum := 0.0
	for _, t := range s.types {
		for node := range s.nodes {
			sum += math.Log(s.combinations(s.FullMask(), t, node, s.Takes(node)))
		}
	}
	return sum
}

// combinations is the number of ways in which a node chooses k of its edges and an operation for each.
func (s *Space) combinations(m Mask, t CellType, node, k int) float64 {
	ways := make([]float64, k+1) // elementary symmetric polynomials of the numbers of choices
	ways[0] = 1
	lo, hi := s.NodeEdges(node)
	for e := lo; e < hi; e++ {
		for j := k; j > 0; j-- {
			ways[j] += ways[j-1] * float64(m.choices(t, e))
		}
	}
	return ways[k]
}
