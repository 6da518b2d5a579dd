package pass

import (
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// The passes are in an order that obeys every constraint, and every constraint names two of them.
func TestPassOrder(t *testing.T) {
	var list []string
	for _, p := range slices.Concat(forward, finished) {
		if slices.Contains(list, p.name) {
			t.Errorf("pass %s is listed twice", p.name)
		}
		list = append(list, p.name)
	}
	for _, c := range passOrder {
		first, second := slices.Index(list, c.first), slices.Index(list, c.second)
		if first < 0 || second < 0 || first >= second || c.why == "" {
			t.Errorf("%s (at %d) must come before %s (at %d): %s", c.first, first, c.second, second, c.why)
		}
	}
}

// In tests, the error names the pass that broke the graph.
func TestPassIsVerified(t *testing.T) {
	old := finished
	defer func() { finished = old }()
	finished = []pass{{name: "careless", on: always, keeps: true, run: inPlace(func(g *ir.Graph) {
		g.Nodes = g.Nodes[1:]
	})}}
	g := ir.New("broken")
	err := ir.Build(func() {
		x := op.Relu{}.Of(g.Input("x", ir.T(ir.Float, 2)))
		g.Output("y", op.Relu{}.Of(x))
	})
	if err != nil {
		t.Fatal(err)
	}
	check.Error(t, Finished(g, Lowering{}), "after pass careless: verify: node 0 Relu")
}

// A set prints as the names that it is parsed from.
func TestParseSet(t *testing.T) {
	for s := None; s <= All; s++ {
		var list []string
		for i, name := range names {
			if s.Has(1 << i) {
				list = append(list, name)
			}
		}
		if got := check.Must(Parse(list...))(t); got != s {
			t.Errorf("%v is read as %v", s, got)
		}
	}
	if None.String() != "none" || (Share|Indices).String() != "share,indices" {
		t.Errorf("sets print as %v and %v", None, Share|Indices)
	}
	_, err := Parse("share", "all")
	check.Error(t, err, `unknown pass "all"`)
}
