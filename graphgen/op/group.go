package op

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// Group is several operators in one node of our own domain, for a GPU: what they have to do at the same point
// takes one launch. Groups are equal only if they are one group.
type Group struct{ *Contents }

// Contents is what a group consists of. Its values are numbered: first the Inputs of the node, then the results
// of the members in their order. Every member reads values with smaller numbers.
type Contents struct {
	Inputs  int
	Members []Member
	Results []int // the values that are outputs of the node
}

// Member is an operator of a group. A value of -1 is absent.
type Member struct {
	Op      ir.Op
	In, Out []int
}

// Piece is a view of consecutive elements of a vector, from Offset on, as a member of a group.
type Piece struct {
	Offset int
	shape  shapeKey
}

// PieceOf is a piece of that shape.
func PieceOf(offset int, shape ...int) Piece { return Piece{offset, keyOf(shape)} }

// Shape is the shape of the piece.
func (o Piece) Shape() []int { return o.shape.dims() }

func (Group) OpType() (string, string) { return ir.Zos, "Group" }
func (Piece) OpType() (string, string) { return ir.Zos, "Piece" }

// Attrs are none: the form for a GPU has them (Device).
func (Group) Attrs() []ir.Attr { return nil }

// Attrs are none: a piece is no node of a file.
func (Piece) Attrs() []ir.Attr { return nil }

// Infer gives the piece.
func (o Piece) Infer(in []ir.Type) ([]ir.Type, error) {
	if err := arity("piece", in, 1, 1); err != nil {
		return nil, err
	}
	t := ir.T(in[0].DType, o.Shape()...)
	if o.Offset < 0 || o.Offset+t.Elements() > in[0].Elements() {
		return nil, fmt.Errorf("piece: %v from element %d on is not in %v", t, o.Offset, in[0])
	}
	return []ir.Type{t}, nil
}

// Aliases marks the piece as a view.
func (Piece) Aliases() {}

// Infer gives the types of the results.
func (o Group) Infer(in []ir.Type) ([]ir.Type, error) {
	types, err := o.types(in)
	if err != nil {
		return nil, err
	}
	outs := make([]ir.Type, len(o.Results))
	for i, v := range o.Results {
		outs[i] = types[v]
	}
	return outs, nil
}

// types lists the types of all values.
func (o Group) types(in []ir.Type) ([]ir.Type, error) {
	if len(in) != o.Inputs {
		return nil, fmt.Errorf("group: %d inputs, wants %d", len(in), o.Inputs)
	}
	types := append([]ir.Type(nil), in...)
	for _, m := range o.Members {
		args, err := Pick(types, m.In)
		if err != nil {
			return nil, err
		}
		outs, err := m.Op.Infer(args)
		if err != nil {
			return nil, fmt.Errorf("group: %w", err)
		}
		for i, v := range m.Out {
			if v < 0 {
				continue
			}
			if v != len(types) {
				return nil, fmt.Errorf("group: a result is number %d, the next one is %d", v, len(types))
			}
			types = append(types, outs[i])
		}
	}
	_, err := Pick(types, o.Results)
	return types, err
}

// Pick lists the values with these numbers; an absent one is the zero value.
func Pick[T any](values []T, numbers []int) ([]T, error) {
	list := make([]T, len(numbers))
	for i, v := range numbers {
		if v >= len(values) {
			return nil, fmt.Errorf("group: value %d is read before it is there", v)
		}
		if v >= 0 {
			list[i] = values[v]
		}
	}
	return list, nil
}

// Nodes lists the members as nodes of their own, on the inputs of a node of the group. It fails the graph if
// the group does not fit them.
func (o Group) Nodes(in []*ir.Value) []*ir.Node {
	values, nodes := append([]*ir.Value(nil), in...), make([]*ir.Node, len(o.Members))
	types, err := o.types(types(in))
	if err != nil {
		in[0].Graph().Fail("%w", err)
	}
	for i, m := range o.Members {
		n := &ir.Node{Op: m.Op, In: make([]*ir.Value, len(m.In)), Out: make([]*ir.Value, len(m.Out))}
		for j, v := range m.In {
			if v >= 0 {
				n.In[j] = values[v]
			}
		}
		for j, v := range m.Out {
			if v >= 0 {
				n.Out[j] = &ir.Value{Type: types[v], Def: n, Index: j}
				values = append(values, n.Out[j])
			}
		}
		nodes[i] = n
	}
	return nodes
}
