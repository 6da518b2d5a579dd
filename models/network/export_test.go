package network_test

import (
	"fmt"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/models/space"
)

// The inference graph computes the logits of the evaluation program, with standard operators only.
func TestGraphIsTheEvaluation(t *testing.T) {
	for _, name := range space.Names() {
		c := small(t, name, 4)
		p := check.Must(spec(c, 1, 8).Evaluate())(t)
		in, tensors := weights(p)
		in["images"] = tensor(4, 1, 3, 8, 8)
		want := check.Must(eval.Run(p.Graph, in))(t)["logits"].F
		g := check.Must(c.Graph(tensors, 8))(t)
		got := check.Must(eval.Run(g, map[string]*eval.Tensor{"image": in["images"]}))(t)["logits"].F
		check.Close(t, name, got, want, 1e-9, 1e-9)
		standardOnly(t, g)
	}
}

func standardOnly(t *testing.T, g *ir.Graph) {
	t.Helper()
	for _, n := range g.Nodes {
		if domain, kind := n.Op.OpType(); domain != ir.Onnx {
			t.Errorf("%s has %s.%s at %s", g.Name, domain, kind, n.Scope)
		}
	}
}

// A cell by itself computes what it computes inside the network.
func TestCellGraph(t *testing.T) {
	c := small(t, "PC_DARTS_cifar", 6) // reductions are cells 2 and 4
	p := check.Must(spec(c, 1, 8).Evaluate())(t)
	_, tensors := weights(p)
	whole := check.Must(c.Graph(tensors, 8))(t)
	values := check.Must(eval.Values(whole, map[string]*eval.Tensor{"image": tensor(4, 1, 3, 8, 8)}))(t)
	for _, x := range []struct {
		kind           space.CellType
		before, second string // scopes of what comes in
		index          int
		in, out        []int
	}{
		{space.Normal, "stem", "stem", 0, []int{1, 12, 8, 8}, []int{1, 16, 8, 8}},
		{space.Reduce, "cell0", "cell1", 2, []int{1, 16, 8, 8}, []int{1, 32, 4, 4}},
	} {
		g := check.Must(c.CellGraph(x.kind, tensors, 8))(t)
		standardOnly(t, g)
		for _, in := range g.Inputs {
			if !slices.Equal(in.Shape, x.in) {
				t.Errorf("%v: %s is %v, want %v", x.kind, in.Name, in.Shape, x.in)
			}
		}
		got := check.Must(eval.Run(g, map[string]*eval.Tensor{"c_prev_prev": result(whole, values, x.before),
			"c_prev": result(whole, values, x.second)}))(t)["c"]
		if !slices.Equal(got.Shape, x.out) {
			t.Errorf("%v: c is %v, want %v", x.kind, got.Shape, x.out)
		}
		check.Close(t, g.Name, got.F, result(whole, values, fmt.Sprintf("cell%d", x.index)).F, 1e-9, 1e-9)
	}
}

// result is the output of a cell, or of the stem's batch norm.
func result(g *ir.Graph, values map[*ir.Value]*eval.Tensor, scope string) *eval.Tensor {
	for _, n := range g.Nodes {
		_, norm := n.Op.(op.BatchNorm)
		_, join := n.Op.(op.Concat)
		if n.Scope == scope && join || n.Scope == scope+"/bn" && norm {
			return values[n.Out[0]]
		}
	}
	return nil
}

func TestExportErrors(t *testing.T) {
	c := small(t, "DARTS_V1", 3)
	_, tensors := weights(check.Must(spec(c, 1, 8).Evaluate())(t))
	_, err := c.Graph(tensors, 9)
	check.Error(t, err, "network: ", "even, got 9x9")
	delete(tensors, "classifier/weight")
	_, err = c.Graph(tensors, 8)
	check.Error(t, err, "no tensor classifier/weight")
	c.Cells = 2
	_, err = c.CellGraph(space.Normal, tensors, 8)
	check.Error(t, err, "network: 2 cells have no normal cell")
}
