package main

import (
	"fmt"

	onnxgo "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/topo"
)

// fileGraph is an exported file as owulveryck/onnx-go reads it, which shares no code with the emission:
// a gonum graph with a node per value, an edge from every
// result to what it is computed from, with the position among the inputs as its weight.
//
// onnx-go makes a tensor for every value whose node can carry one, which for a step of a supernet
// would be tens of gigabytes. These nodes carry names only; sizes come from valueTypes.
type fileGraph struct {
	*simple.WeightedDirectedGraph
	model      *onnxgo.Model
	inputs     map[int64]map[int]int64 // by result; a gonum graph keeps one edge per pair of nodes
	operations []fileOperation
}

type fileOperation struct {
	name    string
	outputs []*fileNode
}

// fileNode is a named value; it implements onnxgo.Namer.
type fileNode struct {
	id   int64
	name string
}

func (n *fileNode) ID() int64           { return n.id }
func (n *fileNode) SetName(name string) { n.name = name }
func (n *fileNode) GetName() string     { return n.name }

// NewNode makes a node that has a name.
func (g *fileGraph) NewNode() graph.Node {
	return &fileNode{id: g.WeightedDirectedGraph.NewNode().ID()}
}

// SetWeightedEdge also notes the input, so that one that is read twice counts twice. All optional
// tensors that are left out are one nameless node to onnx-go; edges to and from it mean nothing and
// would close cycles.
func (g *fileGraph) SetWeightedEdge(e graph.WeightedEdge) {
	from := e.From().ID()
	if g.inputs[from] == nil {
		g.inputs[from] = map[int]int64{}
	}
	g.inputs[from][int(e.Weight())] = e.To().ID()
	if e.From().(*fileNode).name != "" && e.To().(*fileNode).name != "" {
		g.WeightedDirectedGraph.SetWeightedEdge(e)
	}
}

// ApplyOperation implements onnxgo.OperationCarrier.
func (g *fileGraph) ApplyOperation(o onnxgo.Operation, outputs ...graph.Node) error {
	op := fileOperation{name: o.Name}
	for _, n := range outputs {
		op.outputs = append(op.outputs, n.(*fileNode))
	}
	g.operations = append(g.operations, op)
	return nil
}

// readIndependently decodes an ONNX file. onnx-go panics on some malformed files; that is an error
// here.
func readIndependently(b []byte) (g *fileGraph, err error) {
	defer func() {
		if p := recover(); p != nil {
			g, err = nil, fmt.Errorf("onnx-go cannot read the file: %v", p)
		}
	}()
	g = &fileGraph{WeightedDirectedGraph: simple.NewWeightedDirectedGraph(0, 0),
		inputs: map[int64]map[int]int64{}}
	g.model = onnxgo.NewModel(g)
	if err := g.model.UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("onnx-go cannot read the file: %w", err)
	}
	return g, nil
}

// depth is the number of values on the longest path through the graph.
func (g *fileGraph) depth() (int, error) {
	order, err := topo.Sort(g)
	if err != nil {
		return 0, fmt.Errorf("the graph has a cycle: %w", err)
	}
	longest, depth := map[int64]int{}, 0
	for _, n := range order { // results come before what they are computed from
		d := longest[n.ID()] + 1
		depth = max(depth, d)
		for to := g.From(n.ID()); to.Next(); {
			id := to.Node().ID()
			longest[id] = max(longest[id], d)
		}
	}
	return depth, nil
}
