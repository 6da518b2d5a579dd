// Package eval computes a graph in float64 with the plainest loops that define each operator. It is
// the reference for the operators' gradients and for what ONNX Runtime computes from the emitted
// model, so it shares no code with either. It takes an operator's attributes and inputs, and
// compares every shape that it finds with the declared shape in the graph.
//
// Constants are float32 in the graph and are used as they are; nothing is rounded to float32 on the
// way. A value that the graph declares as bfloat16 is rounded to bfloat16 once, after its node has
// computed it.
package eval

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// Run evaluates g on named inputs and returns the named outputs. After everything else has been
// computed, Run stores the new contents of an overwritten state buffer in its input tensor. Outputs
// that show an input show its old contents.
func Run(g *ir.Graph, inputs map[string]*Tensor) (map[string]*Tensor, error) {
	r := &run{graph: g, values: map[*ir.Value]*Tensor{}, uses: map[*ir.Value]int{}}
	for v, nodes := range g.Readers() {
		r.uses[v] = len(nodes)
	}
	for _, o := range g.Outputs {
		r.uses[o.Value]++
	}
	return r.all(inputs)
}

// Values is Run for debugging: it returns the tensor of every value of the graph, including inputs
// and constants. The input tensors are the caller's.
func Values(g *ir.Graph, inputs map[string]*Tensor) (map[*ir.Value]*Tensor, error) {
	r := &run{graph: g, values: map[*ir.Value]*Tensor{}}
	_, err := r.all(inputs)
	return r.values, err
}

// run is one evaluation.
type run struct {
	graph  *ir.Graph
	values map[*ir.Value]*Tensor
	uses   map[*ir.Value]int // remaining readers, to free values early; nil: keep everything
	writes []write
}

// write is an overwrite that is deferred to the end of the run.
type write struct{ buffer, contents *Tensor }

func (r *run) all(inputs map[string]*Tensor) (map[string]*Tensor, error) {
	if err := r.graph.Verify(); err != nil {
		return nil, err
	}
	if err := r.begin(inputs); err != nil {
		return nil, err
	}
	for i, n := range r.graph.Nodes {
		if err := r.node(n); err != nil {
			_, name := n.Op.OpType()
			return nil, fmt.Errorf("eval: node %d %s (%s): %w", i, name, n.Scope, err)
		}
	}
	outputs := map[string]*Tensor{}
	for _, o := range r.graph.Outputs {
		t := r.values[o.Value]
		if o.Value.IsInput() {
			t = t.Clone()
		}
		outputs[o.Name] = t
	}
	for _, w := range r.writes {
		copy(w.buffer.F, w.contents.F)
		copy(w.buffer.I, w.contents.I)
		copy(w.buffer.B, w.contents.B)
	}
	return outputs, nil
}

func (r *run) begin(inputs map[string]*Tensor) error {
	for _, v := range r.graph.Inputs {
		t := inputs[v.Name]
		if t == nil {
			return fmt.Errorf("eval: input %s is missing", v.Name)
		}
		if err := t.check(v.Type); err != nil {
			return fmt.Errorf("eval: input %s: %w", v.Name, err)
		}
		r.values[v] = t
	}
	if len(inputs) != len(r.graph.Inputs) {
		return fmt.Errorf("eval: the graph has %d inputs, got %d", len(r.graph.Inputs), len(inputs))
	}
	for _, v := range r.graph.Constants {
		t, err := fromConstant(v)
		if err != nil {
			return err
		}
		r.values[v] = t
	}
	return nil
}

func (r *run) node(n *ir.Node) error {
	in := make([]*Tensor, len(n.In))
	for i, v := range n.In {
		if v != nil {
			in[i] = r.values[v]
		}
	}
	out, err := compute(n, in)
	if err != nil {
		return err
	}
	if w, ok := n.Op.(ir.Overwriter); ok {
		// The contents are cloned because they may be, or come from, another buffer.
		r.writes = append(r.writes, write{in[w.Overwrites()], written(in)})
	}
	for i, v := range n.Out {
		if v != nil {
			r.values[v] = out[i]
		}
	}
	r.release(n)
	return nil
}

// written returns what an op.Overwrite leaves in its buffer.
func written(in []*Tensor) *Tensor {
	if in[2].B[0] {
		return in[1].Clone()
	}
	return binary(in[:2], func(x, y float64) float64 { return x + y })
}

// release drops the values whose last reader is n.
func (r *run) release(n *ir.Node) {
	if r.uses == nil {
		return
	}
	done := map[*ir.Value]bool{}
	for _, v := range n.In {
		if v == nil || done[v] {
			continue
		}
		done[v] = true
		if r.uses[v]--; r.uses[v] == 0 {
			delete(r.values, v)
		}
	}
	for _, v := range n.Out {
		if v != nil && r.uses[v] == 0 {
			delete(r.values, v)
		}
	}
}
