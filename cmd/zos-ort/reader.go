package main

import (
	"fmt"

	onnxgo "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/topo"
)

// reading is an exported file as owulveryck/onnx-go reads it, which shares no code with the emission:
// a gonum graph with a node per value and an edge from every result to what it is computed from.
type reading struct {
	*simple.WeightedDirectedGraph
	operators map[string]int
}

// readIndependently decodes an ONNX file. The reader panics on some malformed files; that is an
// error here.
func readIndependently(b []byte) (r *reading, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = nil, fmt.Errorf("onnx-go cannot read the file: %v", p)
		}
	}()
	r = &reading{simple.NewWeightedDirectedGraph(0, 0), map[string]int{}}
	if err := onnxgo.NewModel(r).UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("onnx-go cannot read the file: %w", err)
	}
	return r, nil
}

// ApplyOperation implements onnxgo.OperationCarrier.
func (r *reading) ApplyOperation(o onnxgo.Operation, _ ...graph.Node) error {
	r.operators[o.Name]++
	return nil
}

// depth is the number of values on the longest path through the graph.
func (r *reading) depth() (int, error) {
	order, err := topo.Sort(r)
	if err != nil {
		return 0, fmt.Errorf("the graph has a cycle: %w", err)
	}
	longest, depth := map[int64]int{}, 0
	for _, n := range order { // results come before what they are computed from
		d := longest[n.ID()] + 1
		depth = max(depth, d)
		for to := r.From(n.ID()); to.Next(); {
			id := to.Node().ID()
			longest[id] = max(longest[id], d)
		}
	}
	return depth, nil
}
