package op

import (
	"slices"

	"zos-ort/graphgen/ir"
)

// Device is a group as it runs on a GPU: with the program of its launches. Scratch is the number of bytes that
// these work in. They are taken from the pool and given back in the order of the stream, so a node's working
// memory counts while the node runs. (As a further output it would stay till the end of the step: ONNX
// Runtime frees a value after its last reader, and this has none.)
//
// Every input and output of an operator of ours has one type. So where images are bfloat16, the operator is another
// one: they are its first inputs and outputs, and what is float has the places from deviceImages on.
type Device struct {
	Group
	Scratch, Launches int
	narrow            bool
	inputs, outputs   int // in the first places
	program           *[]int
}

// OpType says of which type images are.
func (d Device) OpType() (string, string) {
	if d.narrow {
		return ir.Zos, "GroupBFloat16"
	}
	return d.Group.OpType()
}

// Attrs are the words of the program.
func (d Device) Attrs() []ir.Attr { return []ir.Attr{{Name: "program", Value: *d.program}} }

// Infer gives the types of the results.
func (d Device) Infer(in []ir.Type) ([]ir.Type, error) {
	outs, err := d.Group.Infer(joined(in, d.inputs))
	return spread(outs, d.outputs), err
}

// OptionalOutput says which outputs only keep others in their places.
func (d Device) OptionalOutput(i int) bool { return d.outputs <= i && i < deviceImages }

// Nodes lists the members as nodes of their own, on the inputs of a node.
func (d Device) Nodes(in []*ir.Value) []*ir.Node { return d.Group.Nodes(joined(in, d.inputs)) }

// Joined lists what belongs to the inputs of a node as it belongs to those of the group.
func Joined[T any](d Device, in []T) []T { return joined(in, d.inputs) }

// Spread lists what belongs to the results of the group as it belongs to the outputs of a node.
func Spread[T any](d Device, results []T) []T { return spread(results, d.outputs) }

// spread brings those of a list that are not in the first places to their places.
func spread[T any](list []T, first int) []T {
	if len(list) <= first {
		return list
	}
	all := make([]T, deviceImages+len(list)-first)
	copy(all, list[:first])
	copy(all[deviceImages:], list[first:])
	return all
}

// joined undoes spread.
func joined[T any](list []T, first int) []T {
	if len(list) <= first {
		return list
	}
	return append(list[:first:first], list[deviceImages:]...)
}

// OnDevice gives the nodes of our own operators the form in which a GPU runs them.
func OnDevice(g *ir.Graph) {
	for i, n := range g.Nodes {
		if domain, _ := n.Op.OpType(); domain != ir.Zos {
			continue
		}
		if _, done := n.Op.(Device); done {
			continue
		}
		if _, is := n.Op.(Group); !is {
			n = Gather([]*ir.Node{n}, func(*ir.Value) bool { return true })
			g.Nodes[i] = n
		}
		d, err := onDevice(n.Op.(Group), types(n.In))
		if err != nil {
			g.At(n.Scope, func() { g.Fail("%w", err) })
		}
		n.Op, n.In, n.Out = d, spread(n.In, d.inputs), spread(n.Out, d.outputs)
		for i, v := range n.Out {
			if v != nil {
				v.Index = i
			}
		}
	}
}

// Scratch is the number of bytes that a group works in; see Device.
func Scratch(n *ir.Node) int {
	d, err := onDevice(n.Op.(Group), types(n.In))
	if err != nil {
		n.In[0].Graph().Fail("%w", err)
	}
	return d.Scratch
}

func onDevice(o Group, in []ir.Type) (Device, error) {
	c, err := o.compile(in)
	return Device{o, c.scratch, c.launches, c.narrow, c.inputs, c.outputs, &c.words}, err
}

// FitsDevice reports whether a GPU's operator takes so many inputs and outputs as a group has.
func FitsDevice(n *ir.Node) bool {
	in, out := types(n.In), types(n.Out)
	i, o := countImages(in), countImages(out)
	if i+o == 0 {
		return max(len(in), len(out)) <= deviceValues
	}
	return max(i, o) <= deviceImages && max(len(in)-i, len(out)-o) <= deviceValues-deviceImages
}

// countImages counts what is bfloat16.
func countImages(list []ir.Type) (n int) {
	for _, t := range list {
		n += number(t.DType == ir.BFloat16)
	}
	return n
}

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}

// Most values that a group reads, and most that it leaves; of these, most images of bfloat16 (ort/kernels/operators.h).
const deviceValues, deviceImages = 1024, 384

func types(values []*ir.Value) []ir.Type {
	list := make([]ir.Type, len(values))
	for i, v := range values {
		list[i] = v.Type
	}
	return list
}

// Groupable reports whether a node can be a member of a group.
func Groupable(n *ir.Node) bool {
	switch n.Op.(type) {
	case Add:
		return activation(n.In[0].DType) && n.In[0].Type.Equal(n.In[1].Type)
	case Cast:
		return activation(n.In[0].DType) && activation(n.Out[0].DType)
	case Concat:
		return n.Out[0].DType == ir.Float && n.Out[0].Rank() == 1
	case Group, Device, DepthwiseConv, DepthwiseGradInput, DepthwiseGradWeight:
		return false
	}
	domain, _ := n.Op.OpType()
	return domain == ir.Zos
}

// IsView reports whether a node does nothing but give consecutive elements of its inputs another shape. A
// group reads its inputs in its place.
func IsView(n *ir.Node) bool {
	switch o := n.Op.(type) {
	case Reshape, SliceVector, PassThrough:
		return true
	case Split:
		return o.Axis == 0
	}
	return false
}

// Source is the value whose elements from offset on a view shows, or the value itself.
func Source(v *ir.Value) (source *ir.Value, offset int) {
	for v.Def != nil && IsView(v.Def) && activation(v.DType) {
		in := v.Def.In[0]
		switch o := v.Def.Op.(type) {
		case PassThrough:
			in = v.Def.In[v.Index]
		case SliceVector:
			offset += o.From
		case Split:
			for _, length := range o.pieces.dims()[:v.Index] {
				offset += length * in.Elements() / in.Shape[0]
			}
		}
		v = in
	}
	return v, offset
}

// Gather makes one node of several in their order. Its results are those of their values that are needed
// outside. These values become outputs of the new node. Views among the nodes stay outside.
func Gather(nodes []*ir.Node, needed func(*ir.Value) bool) *ir.Node {
	all := &ir.Node{Scope: nodes[len(nodes)-1].Scope}
	t := gatherer{Contents: new(Contents), numbers: map[*ir.Value]int{}}
	inside := map[*ir.Node]bool{}
	for _, n := range nodes {
		inside[n] = !IsView(n)
	}
	for _, n := range nodes {
		for _, v := range n.In {
			if v == nil || !inside[n] {
				continue
			}
			if v, _ = Source(v); !inside[v.Def] {
				if _, known := t.numbers[v]; !known {
					t.numbers[v] = 0
					all.In = append(all.In, v)
				}
			}
		}
	}
	slices.SortStableFunc(all.In, func(v, w *ir.Value) int { return narrowFirst(v) - narrowFirst(w) })
	for i, v := range all.In {
		t.numbers[v] = i
	}
	t.Inputs, t.next = len(all.In), len(all.In)
	for _, n := range nodes {
		if inside[n] {
			t.add(n)
		}
	}
	for _, n := range nodes {
		for _, v := range n.Out {
			if v != nil && inside[n] && needed(v) {
				all.Out = append(all.Out, v)
			}
		}
	}
	slices.SortStableFunc(all.Out, func(v, w *ir.Value) int { return narrowFirst(v) - narrowFirst(w) })
	for i, v := range all.Out {
		t.Results = append(t.Results, t.numbers[v])
		v.Def, v.Index = all, i
	}
	all.Op = Group{t.Contents}
	return all
}

// narrowFirst orders images of bfloat16 before all else.
func narrowFirst(v *ir.Value) int { return number(v.DType != ir.BFloat16) }

// gatherer numbers the values of a group.
type gatherer struct {
	*Contents
	numbers map[*ir.Value]int
	next    int
}

// add makes a node a member.
func (t *gatherer) add(n *ir.Node) {
	m := Member{n.Op, make([]int, len(n.In)), make([]int, len(n.Out))}
	for i, v := range n.In {
		if m.In[i] = -1; v != nil {
			m.In[i] = t.number(v)
		}
	}
	for i, v := range n.Out {
		if m.Out[i] = -1; v != nil {
			m.Out[i], t.numbers[v] = t.next, t.next
			t.next++
		}
	}
	t.Members = append(t.Members, m)
}

// number is the number of a value. A view becomes a piece of its source.
func (t *gatherer) number(v *ir.Value) int {
	if i, known := t.numbers[v]; known {
		return i
	}
	source, offset := Source(v)
	if offset == 0 && source.Type.Equal(v.Type) {
		return t.numbers[source]
	}
	t.Members = append(t.Members, Member{PieceOf(offset, v.Shape...), []int{t.numbers[source]},
		[]int{t.next}})
	t.numbers[v] = t.next
	t.next++
	return t.next - 1
}
