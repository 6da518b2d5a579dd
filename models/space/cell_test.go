package space

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestPrimitiveNamesRoundTrip(t *testing.T) {
	want := []string{"none", "max_pool_3x3", "avg_pool_3x3", "skip_connect",
		"sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"}
	for i, name := range want {
		p, err := DARTS.Operation(name)
		if err != nil || p.Index() != i || p.String() != name {
			t.Errorf("%q is %d, %v, %v; want %d", name, p.Index(), p, err, i)
		}
	}
	if n := len(DARTS.Operations()); n != primitives || n != len(want) {
		t.Errorf("%d primitives", n)
	}
}

func TestUnknownNames(t *testing.T) {
	for _, name := range []string{"", "sep_conv_7x7", "None", " none", "primitive(9)"} {
		_, err := DARTS.Operation(name)
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
	_, err = json.Marshal(CellType(2))
	wantError(t, err, "there are 2, not one with the number 2")
}

func TestUnknownValuesPrint(t *testing.T) {
	if got := CellType(2).String(); got != "celltype(2)" {
		t.Error(got)
	}
}

// The whole table: in particular edge 10, whose name sorts before that of edge 2.
func TestEdges(t *testing.T) {
	want := [edges]Edge{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}, {2, 3},
		{3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}}
	for e, edge := range want {
		if got := DARTS.EdgeAt(e); got != edge {
			t.Errorf("edge %d is %v, want %v", e, got, edge)
		}
		if got := DARTS.EdgeIndex(edge.Node, edge.Source); got != e {
			t.Errorf("%v is edge %d, want %d", edge, got, e)
		}
	}
	bounds := [nodes][2]int{{0, 2}, {2, 5}, {5, 9}, {9, 14}}
	for node, want := range bounds {
		if lo, hi := DARTS.NodeEdges(node); lo != want[0] || hi != want[1] {
			t.Errorf("node %d has edges %d..%d, want %v", node, lo, hi, want)
		}
	}
}

func TestReductionCells(t *testing.T) {
	cases := []struct{ cells, a, b int }{
		{8, 2, 5}, {20, 6, 13}, {3, 1, 2}, {5, 1, 3}, {2, 0, 1}, {1, 0, 0},
	}
	for _, c := range cases {
		want := slices.Compact([]int{c.a, c.b})
		if got := DARTS.Reductions(c.cells); !slices.Equal(got, want) {
			t.Errorf("%d cells reduce at %v, want %v", c.cells, got, want)
		}
		for i := range c.cells {
			if got := DARTS.Reduces(i, c.cells); got != (i == c.a || i == c.b) {
				t.Errorf("cell %d of %d: reduction %v", i, c.cells, got)
			}
		}
	}
}

func TestStride(t *testing.T) {
	for source := range nodes + 1 {
		if DARTS.Stride(Normal, source) != 1 {
			t.Errorf("normal cell, source %d: stride %d", source, DARTS.Stride(Normal, source))
		}
		want := 1
		if source < 2 {
			want = 2
		}
		if got := DARTS.Stride(Reduce, source); got != want {
			t.Errorf("reduction cell, source %d: stride %d, want %d", source, got, want)
		}
	}
}
