package space

import (
	"encoding/json"
	"testing"
)

func TestPrimitiveNamesRoundTrip(t *testing.T) {
	want := []string{"none", "max_pool_3x3", "avg_pool_3x3", "skip_connect",
		"sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"}
	for i, name := range want {
		p, err := ParsePrimitive(name)
		if err != nil || p != Primitive(i) || p.String() != name {
			t.Errorf("%q is %d, %v, %v; want %d", name, p, p, err, i)
		}
	}
	if len(want) != NumPrimitives {
		t.Errorf("%d primitives", NumPrimitives)
	}
}

func TestUnknownNames(t *testing.T) {
	for _, name := range []string{"", "sep_conv_7x7", "None", " none", "primitive(9)"} {
		_, err := ParsePrimitive(name)
		wantError(t, err, `unknown operation "`+name+`"`, "none, max_pool_3x3", "dil_conv_5x5")
	}
	_, err := ParseCellType("Normal")
	wantError(t, err, `unknown cell type "Normal"`, "normal or reduce")
}

func TestNamesAsJSONKeysAndValues(t *testing.T) {
	type data map[CellType][]Primitive
	text, err := json.Marshal(data{Reduce: {SepConv5x5, None}, Normal: {}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"normal":[],"reduce":["sep_conv_5x5","none"]}`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var back data
	if err := json.Unmarshal(text, &back); err != nil || back[Reduce][0] != SepConv5x5 {
		t.Errorf("read back %v, %v", back, err)
	}
	_, err = json.Marshal(Primitive(8))
	wantError(t, err, "there are 8, not one with the number 8")
	_, err = json.Marshal(CellType(2))
	wantError(t, err, "there are 2, not one with the number 2")
}

func TestUnknownValuesPrint(t *testing.T) {
	if got := Primitive(8).String() + " " + CellType(2).String(); got != "primitive(8) celltype(2)" {
		t.Error(got)
	}
}

// The whole table: in particular edge 10, whose name sorts before that of edge 2.
func TestEdges(t *testing.T) {
	want := [Edges]Edge{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}, {2, 3},
		{3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}}
	for e, edge := range want {
		if got := EdgeAt(e); got != edge {
			t.Errorf("edge %d is %v, want %v", e, got, edge)
		}
		if got := EdgeIndex(edge.Node, edge.Source); got != e {
			t.Errorf("%v is edge %d, want %d", edge, got, e)
		}
	}
	bounds := [Nodes][2]int{{0, 2}, {2, 5}, {5, 9}, {9, 14}}
	for node, want := range bounds {
		if lo, hi := NodeEdges(node); lo != want[0] || hi != want[1] {
			t.Errorf("node %d has edges %d..%d, want %v", node, lo, hi, want)
		}
	}
}

func TestReductionCells(t *testing.T) {
	cases := []struct{ cells, a, b int }{
		{8, 2, 5}, {20, 6, 13}, {3, 1, 2}, {5, 1, 3}, {2, 0, 1}, {1, 0, 0},
	}
	for _, c := range cases {
		if a, b := ReductionCells(c.cells); a != c.a || b != c.b {
			t.Errorf("%d cells reduce at %d and %d, want %d and %d", c.cells, a, b, c.a, c.b)
		}
		for i := range c.cells {
			if got := IsReduction(i, c.cells); got != (i == c.a || i == c.b) {
				t.Errorf("cell %d of %d: reduction %v", i, c.cells, got)
			}
		}
	}
}

func TestStride(t *testing.T) {
	for source := range Nodes + 1 {
		if Stride(Normal, source) != 1 {
			t.Errorf("normal cell, source %d: stride %d", source, Stride(Normal, source))
		}
		want := 1
		if source < 2 {
			want = 2
		}
		if got := Stride(Reduce, source); got != want {
			t.Errorf("reduction cell, source %d: stride %d, want %d", source, got, want)
		}
	}
}
