package celldraw

import (
	"math/rand/v2"
	"testing"

	"zos-ort/models/space"
	"zos-ort/models/space/spacetest"
)

// In the drawing of any cell no line runs through a box that is not its end, no two lanes cover each other, and
// everything is on the page.
func TestNothingCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		g, err := space.RandomGenotype(rng, space.DARTS.FullMask().Drop(space.None))
		if err != nil {
			t.Fatal(err)
		}
		for _, ct := range space.DARTS.CellTypes() {
			if l := arrange(g, ct); !l.clear(t) {
				t.Fatalf("%v: %+v", g, l)
			}
		}
	}
}

func (l layout) clear(t *testing.T) bool {
	ok := true
	wrong := func(format string, args ...any) { ok = false; t.Errorf(format, args...) }
	for i, x := range l.lanes {
		if x.toX > l.width || x.toY > l.height || x.fromY < titleHeight || x.toX < x.fromX {
			wrong("lane %d leaves the page or runs back", i)
		}
		for j, b := range l.boxes {
			within := func(v, low, size float64) bool { return v > low && v < low+size }
			if within(x.fromY, b.y, b.height) && x.fromX < b.x && b.x < x.toX {
				wrong("lane %d runs through box %d", i, j)
			}
			if x.turns && within(x.toX, b.x, b.width) && x.fromY < b.y && b.y < x.toY {
				wrong("lane %d comes down through box %d", i, j)
			}
		}
		for j, y := range l.lanes[:i] {
			if x.fromY == y.fromY || x.turns && y.turns && x.toX == y.toX {
				wrong("lanes %d and %d lie on each other", i, j)
			}
		}
	}
	return ok
}

// Cells of other spaces, whole and derived, are drawn without covering anything either.
func TestNothingCoversInOtherSpaces(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var list []*space.Space
	for range 40 {
		s, err := space.Parse(spacetest.Document(rng))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	for _, name := range space.Shipped() {
		s, err := space.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	for _, s := range list {
		g, err := space.RandomGenotype(rng, s.FullMask())
		if err != nil {
			t.Fatal(err)
		}
		for _, ct := range s.CellTypes() {
			if l := arrange(g, ct); !l.clear(t) {
				t.Fatalf("%v: %+v", g, l)
			}
			if !ofSpace(s, ct).clear(t) {
				t.Fatalf("the cell of %s", s.Document())
			}
		}
	}
}
