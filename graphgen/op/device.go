package op

import "zos-ort/graphgen/ir"

// Device is a group as it runs on a GPU: with the program of its launches. Scratch is the number of floats that
// these work in. They are taken from the pool and given back in the order of the stream, so a node's working
// memory counts while the node runs. (As a further output it would stay till the end of the step: ONNX
// Runtime frees a value after its last reader, and this has none.)
type Device struct {
	Group
	Scratch, Launches int
	program           *[]int
}

// Attrs are the words of the program.
func (d Device) Attrs() []ir.Attr { return []ir.Attr{{Name: "program", Value: *d.program}} }

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
		n.Op = d
	}
}

// Scratch is the number of floats that a group works in; see Device.
func Scratch(n *ir.Node) int {
	d, err := onDevice(n.Op.(Group), types(n.In))
	if err != nil {
		n.In[0].Graph().Fail("%w", err)
	}
	return d.Scratch
}

func onDevice(o Group, in []ir.Type) (Device, error) {
	c, err := o.compile(in)
	return Device{o, c.scratch, c.launches, &c.words}, err
}

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
		return n.In[0].DType == ir.Float && n.In[0].Type.Equal(n.In[1].Type)
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
	for v.Def != nil && IsView(v.Def) && v.DType == ir.Float {
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
					t.numbers[v] = len(all.In)
					all.In = append(all.In, v)
				}
			}
		}
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
				t.Results = append(t.Results, t.numbers[v])
				v.Def, v.Index = all, len(all.Out)
				all.Out = append(all.Out, v)
			}
		}
	}
	all.Op = Group{t.Contents}
	return all
}

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
