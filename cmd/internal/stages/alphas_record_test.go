package stages

import (
	"slices"
	"testing"

	"zos-ort/models/space"
)

// A row has a number for every operation that is left and every edge weight, under its name.
func TestAlphasRows(t *testing.T) {
	a := space.NewAlphas(space.DARTS.FullMask().Drop(space.None), true)
	a.Row(space.Reduce, 13)[6], a.Edge(space.Normal)[2] = .123456789, -2
	rows := appendAlphas(nil, 0, a)
	rows = appendAlphas(rows, 1, a)
	if len(rows) != 3 || len(rows[0]) != 1+196+28 || len(rows[2]) != len(rows[0]) || rows[2][0] != "1" {
		t.Fatalf("%d rows of %d and %d columns", len(rows), len(rows[0]), len(rows[2]))
	}
	for name, want := range map[string]string{"reduce/edge13/dil_conv_5x5": "0.1234568", "normal/edge2": "-2",
		"normal/edge0/max_pool_3x3": "0"} {
		if at := slices.Index(rows[0], name); at < 0 || rows[1][at] != want {
			t.Errorf("%s: column %d of %q", name, at, rows[0])
		}
	}
}
