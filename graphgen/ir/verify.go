package ir

import (
	"errors"
	"fmt"
	"slices"
)

// Verify checks the rules that every graph must obey before it is lowered:
//
//   - a node reads only inputs, constants and outputs of earlier nodes of the same graph;
//   - the types of its outputs are what the operator's type rule says, and only outputs that the
//     operator calls optional are left out;
//   - an overwritten buffer is a graph input, is overwritten once, is not a graph output, and the
//     overwriting node is a descendant of every other reader of the buffer or of a view of it, so
//     that no reader can see the new contents whatever order the runtime chooses;
//   - an input whose memory an operator may write into (Clobberer) is the output of a node, is no
//     view of anything, and nothing else reads it;
//   - every graph output is produced, and no port name is used twice.
func (g *Graph) Verify() error {
	var errs []error
	seen := make(map[*Value]bool, len(g.Nodes))
	for _, v := range g.Inputs {
		seen[v] = true
	}
	for _, v := range g.Constants {
		seen[v] = true
	}
	for i, n := range g.Nodes {
		if err := g.verifyNode(n, seen); err != nil {
			errs = append(errs, fmt.Errorf("verify: node %d %s (%s): %w", i, opName(n.Op), n.Scope, err))
		}
		for _, v := range n.Out {
			if v != nil {
				seen[v] = true
			}
		}
	}
	for _, o := range g.Outputs {
		if !seen[o.Value] {
			errs = append(errs, fmt.Errorf("verify: output %s is produced by no node", o.Name))
		}
	}
	errs = append(errs, g.verifyNames(), g.verifyOverwrites(), g.verifyClobbers())
	return errors.Join(errs...)
}

func opName(op Op) string {
	_, name := op.OpType()
	return name
}

func (g *Graph) verifyNode(n *Node, seen map[*Value]bool) error {
	types := make([]Type, len(n.In))
	for i, v := range n.In {
		if v == nil {
			continue
		}
		if !seen[v] {
			return fmt.Errorf("input %d is not defined before it is read", i)
		}
		types[i] = v.Type
	}
	outs, err := n.Op.Infer(types)
	if err != nil {
		return err
	}
	if len(outs) != len(n.Out) {
		return fmt.Errorf("has %d outputs, its type rule gives %d", len(n.Out), len(outs))
	}
	partial, _ := n.Op.(PartialOutputs)
	for i, v := range n.Out {
		if v == nil && (partial == nil || !partial.OptionalOutput(i)) {
			return fmt.Errorf("output %d is left out and is not optional", i)
		}
		if v != nil && !v.Type.Equal(outs[i]) {
			return fmt.Errorf("output %d is %v, its type rule gives %v", i, v.Type, outs[i])
		}
		if v != nil && (v.Def != n || v.Index != i) {
			return fmt.Errorf("output %d names another node as its producer", i)
		}
	}
	return nil
}

func (g *Graph) verifyNames() error {
	seen := map[string]bool{}
	for _, v := range g.Inputs {
		if seen[v.Name] {
			return fmt.Errorf("verify: port name %s is used twice", v.Name)
		}
		seen[v.Name] = true
	}
	for _, o := range g.Outputs {
		if seen[o.Name] {
			return fmt.Errorf("verify: port name %s is used twice", o.Name)
		}
		seen[o.Name] = true
	}
	return nil
}

func (g *Graph) verifyOverwrites() error {
	writer := map[*Value]*Node{}
	for _, n := range g.Nodes {
		w, ok := n.Op.(Overwriter)
		if !ok {
			continue
		}
		buf := n.In[w.Overwrites()]
		if !buf.IsInput() {
			return fmt.Errorf("verify: %s overwrites a value that is not a graph input", opName(n.Op))
		}
		if writer[buf] != nil {
			return fmt.Errorf("verify: %s is overwritten twice", buf.Name)
		}
		writer[buf] = n
	}
	if len(writer) == 0 {
		return nil
	}
	readers := g.Readers()
	for _, buf := range g.Inputs { // in order, so that the same graph gives the same message
		if n := writer[buf]; n != nil {
			if err := g.verifyOverwrite(buf, n, readers); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyOverwrite checks that n, which overwrites buf, comes after every node that sees the old
// contents of buf.
func (g *Graph) verifyOverwrite(buf *Value, n *Node, readers map[*Value][]*Node) error {
	before := ancestors(n)
	views := append(aliases(buf, readers), buf)
	for _, v := range views {
		for _, r := range readers[v] {
			if r != n && !before[r] {
				return fmt.Errorf("verify: %s (%s) reads %s but may run after its overwrite",
					opName(r.Op), r.Scope, buf.Name)
			}
		}
	}
	for _, o := range g.Outputs {
		if slices.Contains(views, o.Value) {
			return fmt.Errorf("verify: output %s shows %s, which is overwritten", o.Name, buf.Name)
		}
	}
	return nil
}

// verifyClobbers checks that an operator only writes into inputs of its own.
func (g *Graph) verifyClobbers() error {
	var readers map[*Value][]*Node
	for _, n := range g.Nodes {
		for _, i := range n.Clobbers() {
			if readers == nil {
				readers = g.Readers()
			}
			if why := g.notOwn(n, i, readers); why != "" {
				return fmt.Errorf("verify: %s (%s) may write into its input %d, which %s", opName(n.Op),
					n.Scope, i, why)
			}
		}
	}
	return nil
}

// Owns reports whether input i belongs to n alone, so that n may write into it.
func (g *Graph) Owns(n *Node, i int, readers map[*Value][]*Node) bool {
	return g.notOwn(n, i, readers) == ""
}

// notOwn says why input i of n does not belong to n alone; it is empty if the input does.
func (g *Graph) notOwn(n *Node, i int, readers map[*Value][]*Node) string {
	v := n.In[i]
	if v.Def == nil {
		return "is a constant or a graph input"
	}
	if _, ok := v.Def.Op.(Aliaser); ok {
		return "is a view"
	}
	for _, r := range readers[v] {
		if r != n {
			return fmt.Sprintf("%s (%s) reads too", opName(r.Op), r.Scope)
		}
	}
	for j, w := range n.In {
		if j != i && w == v {
			return fmt.Sprintf("is its input %d too", j)
		}
	}
	for _, o := range g.Outputs {
		if o.Value == v {
			return "is output " + o.Name
		}
	}
	return ""
}

// ancestors is the set of nodes that must run before n.
func ancestors(n *Node) map[*Node]bool {
	set := map[*Node]bool{}
	stack := []*Node{n}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, v := range top.In {
			if v != nil && v.Def != nil && !set[v.Def] {
				set[v.Def] = true
				stack = append(stack, v.Def)
			}
		}
	}
	return set
}

// aliases lists the views of v.
func aliases(v *Value, readers map[*Value][]*Node) []*Value {
	var views []*Value
	for _, n := range readers[v] {
		if _, ok := n.Op.(Aliaser); ok && n.In[0] == v && n.Out[0] != nil {
			views = append(append(views, n.Out[0]), aliases(n.Out[0], readers)...)
		}
	}
	return views
}
