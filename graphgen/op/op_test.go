package op_test

import (
	"slices"
	"testing"

	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

// A value that the results do not depend on gets no gradient and no nodes.
func TestNoDependenceBuildsNothing(t *testing.T) {
	for _, c := range optest.All() {
		g := c.Graph()
		other := g.Input("other", ir.T(ir.Float, 2))
		ct := slices.Clone(g.Out)
		if dx := autodiff.VJP(g.Out, ct, []*ir.Value{other}); dx[0] != nil {
			t.Errorf("%s: got a gradient", c.Name)
		}
		if len(g.Nodes) != g.Forward {
			t.Errorf("%s: %d nodes were built", c.Name, len(g.Nodes)-g.Forward)
		}
	}
}

// Nodes can be compared by their printed form and by ==, so that equal nodes can be merged.
func TestOperatorsAreComparable(t *testing.T) {
	for _, c := range optest.All() {
		a, b := c.Graph(), c.Graph()
		for i, n := range a.Nodes {
			if n.Op != b.Nodes[i].Op {
				t.Errorf("%s: node %d is %#v in one graph, %#v in the other", c.Name, i, n.Op, b.Nodes[i].Op)
			}
		}
	}
}

// This network reads values several times: gradients that meet at a value are added.
func TestSharedValueVJP(t *testing.T) {
	checkVJP(t, optest.Case{Name: "shared", Step: optest.Small,
		Inputs: []optest.Input{optest.Normal(2, 4, 5, 6), optest.Normal(4, 4, 1, 1),
			optest.Normal(4), optest.Normal(4), optest.Normal(4), optest.Positive(4)},
		Build: func(x []*ir.Value) []*ir.Value {
			point := op.Conv{Kernel: 1, Stride: 1, Dilation: 1, Group: 1}
			h := point.Of(point.Of(x[0], x[1]), x[1])
			bn := op.BatchNormTraining{Epsilon: 1e-5, Momentum: 0.9}
			z := bn.Of(h, x[2], x[3], op.Split{}.Of(x[4], 0, 4)[0], op.Split{}.Of(x[5], 0, 4)[0])[0]
			parts := op.Split{}.Of(op.Add{}.Of(z, op.Mul{}.Of(x[0], z)), 1, 1, 3)
			return []*ir.Value{op.Concat{Axis: 1}.Of(parts[1], parts[0], parts[1]),
				op.ReduceMean{}.Of(parts[0])}
		}})
}
