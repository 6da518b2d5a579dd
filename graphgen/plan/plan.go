package plan

import (
	"cmp"
	"slices"

	"zos-ort/graphgen/op"
	"zos-ort/graphgen/scope"
)

// Plan is the memory of one run of a program, in bytes.
type Plan struct {
	Peak      int   // most bytes alive at a time
	At        int   // the position of the peak in the schedule
	State     int   // state vectors, overwritten in place
	Inputs    int   // other inputs
	Constants int   // stored in the file
	Scratch   int   // largest working memory of a node; see scratch
	Order     []int // the schedule: indices of nodes
	Timeline  []int // live bytes while the node at each position runs
	Alive     []Tensor
	Spans     []Span // all buffers
}

// Total is all the memory that a run needs.
func (p Plan) Total() int { return p.Peak + p.State + p.Inputs + p.Constants + p.Scratch }

// Tensor is a buffer that is alive at the peak; in Plan.Alive the largest come first.
type Tensor struct {
	Name      string // of the first value in the buffer
	Bytes     int
	Role      Role   // of the first value; a dead activation's buffer may serve a gradient later
	Cell      string // "cell3", or the first part of the scope
	Operation string // "sep_conv_3x3" and the like, or the operator
}

// Role says what a buffer is for.
type Role string

// Roles of buffers.
const (
	Activation Role = "activation" // computed on the way to the loss
	Gradient   Role = "gradient"   // computed from the loss
	Updating   Role = "update"     // clipping, momentum, new weights, statistics
)

// Span is a buffer with the first and the last schedule position at which it is held.
type Span struct {
	Tensor
	First, Last int
}

// Simulate runs a program on paper in the given order, which must be topological.
func Simulate(p *Program, order []int) Plan {
	plan := Plan{Order: order, Timeline: make([]int, len(order))}
	for _, v := range p.Values {
		switch v.Kind {
		case State:
			plan.State += v.Bytes()
		case Input:
			plan.Inputs += v.Bytes()
		case Constant:
			plan.Constants += v.Bytes()
		}
	}
	for _, n := range p.Nodes {
		plan.Scratch = max(plan.Scratch, p.scratch(n))
	}
	plan.Spans = spans(p, order)
	change := make([]int, len(order)+1)
	for _, s := range plan.Spans {
		change[s.First] += s.Bytes
		change[s.Last+1] -= s.Bytes
	}
	live := 0
	for i, node := range order {
		live += change[i]
		plan.Timeline[i] = live + p.Nodes[node].Scratch
		if plan.Timeline[i] > plan.Peak {
			plan.Peak, plan.At = plan.Timeline[i], i
		}
	}
	for _, s := range plan.Spans {
		if s.First <= plan.At && plan.At <= s.Last {
			plan.Alive = append(plan.Alive, s.Tensor)
		}
	}
	slices.SortStableFunc(plan.Alive, func(a, b Tensor) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return plan
}

// spans lists the buffers of a run in the order in which they are allocated.
func spans(p *Program, order []int) []Span {
	owner, lossAt := assign(p, order), p.lossNode()
	at, list := map[int]int{}, []Span{}
	touch := func(v, position, node int) {
		o := owner[v]
		if p.Values[o].Kind != Computed {
			return
		}
		i, ok := at[o]
		if !ok {
			i = len(list)
			at[o] = i
			list = append(list, Span{Tensor: p.describe(o, node, lossAt), First: position})
		}
		list[i].Last = max(list[i].Last, position)
		if p.Values[v].Output {
			list[i].Last = len(order) - 1
		}
	}
	for position, i := range order {
		for _, group := range [][]int{p.Nodes[i].Out, p.Nodes[i].In} {
			for _, v := range group {
				if v != Absent {
					touch(v, position, i)
				}
			}
		}
	}
	return list
}

// lossOperator is the ONNX operator of the loss.
var _, lossOperator = op.CrossEntropy{}.OpType()

// lossNode is the node after which a step goes backwards; it is one past the last node if there is
// no loss.
func (p *Program) lossNode() int {
	last := -1
	for i, n := range p.Nodes {
		if n.Op == lossOperator {
			last = i
		}
	}
	if last < 0 {
		return len(p.Nodes)
	}
	return last
}

// describe says what the buffer is that a node makes for value v.
func (p *Program) describe(v, node, lossAt int) Tensor {
	n := p.Nodes[node]
	place := scope.Parse(n.Scope)
	t := Tensor{Name: p.Values[v].Name, Bytes: p.Values[v].Bytes(), Role: Activation, Cell: place.Part,
		Operation: cmp.Or(place.Operation, n.Op)}
	switch {
	case place.Updates:
		t.Role = Updating
	case node > lossAt:
		t.Role = Gradient
	}
	return t
}
