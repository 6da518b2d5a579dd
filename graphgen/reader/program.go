package reader

import (
	"fmt"
	"path"
	"slices"

	"gonum.org/v1/gonum/graph/topo"

	"zos-ort/graphgen/plan"
	"zos-ort/graphgen/port"
)

// Program reads a file without package graphgen: onnx-go reads the structure, and sizes come from
// the declarations in the file, where a named dimension stands for the batch; a batch
// of 0 is the one that the file names.
func Program(b []byte, batch int) (*plan.Program, error) {
	g, err := Read(b)
	if err != nil {
		return nil, err
	}
	if _, err := topo.Sort(g); err != nil {
		return nil, fmt.Errorf("the graph has a cycle: %w", err)
	}
	types, err := valueTypes(b, batch)
	if err != nil {
		return nil, err
	}
	return g.program(types)
}

// program numbers the values of the graph for the planner.
func (g *Graph) program(types map[string]plan.Value) (*plan.Program, error) {
	p, index := &plan.Program{}, map[int64]int{}
	for nodes := g.Nodes(); nodes.Next(); {
		n := nodes.Node().(*node)
		if n.name == "" {
			index[n.id] = plan.Absent
			continue
		}
		v, ok := types[n.name]
		if !ok {
			return nil, fmt.Errorf("the file does not say how large %s is (only files with fixed batch size "+
				"do, such as those of zos-ort graphs)", n.name)
		}
		v.Name, v.Kind = n.name, plan.Constant
		index[n.id] = len(p.Values)
		p.Values = append(p.Values, v)
	}
	for _, id := range slices.Concat(g.model.Input, g.model.Output) {
		if at, ok := index[id]; !ok || at == plan.Absent {
			return nil, fmt.Errorf("the file has an input or output without a name")
		}
	}
	for _, id := range g.model.Input {
		p.Values[index[id]].Kind = plan.Input
		if port.IsState(p.Values[index[id]].Name) {
			p.Values[index[id]].Kind = plan.State
		}
	}
	for _, id := range g.model.Output {
		p.Values[index[id]].Output = true
	}
	return p, g.addNodes(p, index)
}

// addNodes refuses what is no graph: values that two nodes compute, and nodes that leave inputs out.
func (g *Graph) addNodes(p *plan.Program, index map[int64]int) error {
	computed := map[int]bool{}
	for _, o := range g.operations {
		n := g.node(p, o, index)
		for _, v := range n.Out {
			if v != plan.Absent && computed[v] {
				return fmt.Errorf("two nodes of the file compute %s", p.Values[v].Name)
			}
			computed[v] = true
		}
		p.Nodes = append(p.Nodes, n)
	}
	return nil
}

func (g *Graph) node(p *plan.Program, o operation, index map[int64]int) plan.Node {
	n := plan.Node{Op: o.name}
	var inputs map[int]int64
	for _, out := range o.outputs {
		v := index[out.id]
		n.Out = append(n.Out, v)
		if v == plan.Absent {
			continue
		}
		p.Values[v].Kind, inputs = plan.Computed, g.inputs[out.id]
		if n.Scope == "" && !p.Values[v].Output {
			n.Scope = path.Dir(out.name)
		}
	}
	for i := range len(inputs) {
		n.In = append(n.In, index[inputs[i]])
	}
	return n
}
