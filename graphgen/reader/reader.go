// Package reader reads exported ONNX files with owulveryck/onnx-go, independently of the emission.
package reader

import (
	"fmt"

	onnxgo "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/topo"
)

// Graph is an exported file as owulveryck/onnx-go reads it, sharing no code with the emission. It
// is a gonum graph with a node per value. Edges go from every result to the values that it is
// computed from; an edge's weight is the position among the inputs.
//
// onnx-go makes a tensor for every value whose node can hold one, which would be tens of gigabytes
// for a supernet step. These nodes hold names only; sizes come from valueTypes.
type Graph struct {
	*simple.WeightedDirectedGraph
	model      *onnxgo.Model
	inputs     map[int64]map[int]int64 // by result; gonum keeps one edge per pair of nodes
	operations []operation
}

type operation struct {
	name    string
	outputs []*node
}

// node is a named value; it implements onnxgo.Namer.
type node struct {
	id   int64
	name string
}

func (n *node) ID() int64 { return n.id }

func (n *node) SetName(name string) { n.name = name }

func (n *node) GetName() string { return n.name }

// NewNode makes a node that has a name.
func (g *Graph) NewNode() graph.Node {
	return &node{id: g.WeightedDirectedGraph.NewNode().ID()}
}

// SetWeightedEdge also records the input, so that a value that is read twice counts twice. To
// onnx-go, all omitted optional tensors are one nameless node; edges to and from it mean nothing
// and would close cycles.
func (g *Graph) SetWeightedEdge(e graph.WeightedEdge) {
	from := e.From().ID()
	if g.inputs[from] == nil {
		g.inputs[from] = map[int]int64{}
	}
	g.inputs[from][int(e.Weight())] = e.To().ID()
	if e.From().(*node).name != "" && e.To().(*node).name != "" {
		g.WeightedDirectedGraph.SetWeightedEdge(e)
	}
}

// ApplyOperation implements onnxgo.OperationCarrier.
func (g *Graph) ApplyOperation(o onnxgo.Operation, outputs ...graph.Node) error {
	op := operation{name: o.Name}
	for _, n := range outputs {
		op.outputs = append(op.outputs, n.(*node))
	}
	g.operations = append(g.operations, op)
	return nil
}

// Read decodes an ONNX file. onnx-go panics on some malformed files; Read returns an error instead.
func Read(b []byte) (g *Graph, err error) {
	defer func() {
		if p := recover(); p != nil {
			g, err = nil, fmt.Errorf("onnx-go cannot read the file: %v", p)
		}
	}()
	g = &Graph{WeightedDirectedGraph: simple.NewWeightedDirectedGraph(0, 0),
		inputs: map[int64]map[int]int64{}}
	g.model = onnxgo.NewModel(g)
	if err := g.model.UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("onnx-go cannot read the file: %w", err)
	}
	return g, nil
}

// Depth is the number of values on the longest path through the graph.
func (g *Graph) Depth() (int, error) {
	order, err := topo.Sort(g)
	if err != nil {
		return 0, fmt.Errorf("the graph has a cycle: %w", err)
	}
	longest, depth := map[int64]int{}, 0
	for _, n := range order { // results come before their inputs
		d := longest[n.ID()] + 1
		depth = max(depth, d)
		for to := g.From(n.ID()); to.Next(); {
			id := to.Node().ID()
			longest[id] = max(longest[id], d)
		}
	}
	return depth, nil
}
