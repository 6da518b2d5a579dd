package data

import (
	"math"
	"testing"
)

func area(outline contours, size int) float64 {
	m := newMask(size)
	m.draw(contours{rectangle(3, 3)}) // something to be overwritten
	m.draw(outline)
	sum := 0.
	for _, v := range m.cover {
		sum += v
	}
	return sum
}

func TestMaskAreas(t *testing.T) {
	box := contours{rectangle(1, 1)}
	cases := []struct {
		name    string
		outline contours
		at      placement
		want    float64
	}{
		{"square on the grid", box, placement{cx: 10, cy: 10, sx: 4, sy: 4}, 64},
		{"square off the grid", box, placement{cx: 10.3, cy: 9.75, sx: 3.5, sy: 3.5}, 49},
		{"thin, inside one pixel", box, placement{cx: 10.5, cy: 10, sx: .25, sy: 4}, 4},
		{"turned", box, placement{cx: 10, cy: 10, sx: 4, sy: 4, turn: .1}, 64},
		{"clipped at a corner", box, placement{cx: 0, cy: 20, sx: 4, sy: 4}, 16},
		{"outside", box, placement{cx: 30, cy: -30, sx: 4, sy: 4}, 0},
		{"larger than the image", box, placement{cx: 9, cy: 9, sx: 99, sy: 99}, 400},
		{"hole", contours{rectangle(1, 1), rectangle(.5, .5)},
			placement{cx: 10, cy: 10, sx: 8, sy: 8}, 192},
		{"disc", contours{arc(0, 0, 1, 0, 1, 64)}, placement{cx: 10, cy: 10, sx: 8, sy: 8}, 64 * math.Pi},
		{"ellipse", contours{arc(0, 0, 1, 0, 1, 64)},
			placement{cx: 10, cy: 10, sx: 8, sy: 4, turn: .3, mirror: true}, 32 * math.Pi},
	}
	for _, c := range cases {
		// Across the lines the coverage is sampled at four heights a pixel: one per cent.
		if got := area(c.at.place(nil, c.outline), 20); math.Abs(got-c.want) > .01*c.want+1e-9 {
			t.Errorf("%s: area %.3f, want %.3f", c.name, got, c.want)
		}
	}
}

func TestMaskPlace(t *testing.T) {
	m := newMask(8)
	m.draw(placement{cx: 5, cy: 2, sx: 2, sy: 1}.place(nil, contours{rectangle(1, 1)}))
	for y := range 8 {
		for x := range 8 {
			want := 0.
			if x >= 3 && x < 7 && y >= 1 && y < 3 {
				want = 1
			}
			if got := m.cover[y*8+x]; got != want {
				t.Errorf("pixel (%d, %d) is covered by %g, want %g", x, y, got, want)
			}
		}
	}
	if m.top != 1 || m.end != 3 {
		t.Errorf("rows %d to %d, want 1 to 3", m.top, m.end)
	}
}

// A quarter turn takes x to y (down), a mirrored figure points the other way.
func TestPlacement(t *testing.T) {
	tip := contours{{{1, 0}}}
	for _, c := range []struct {
		at   placement
		want point
	}{
		{placement{cx: 5, cy: 6, sx: 2, sy: 3}, point{7, 6}},
		{placement{cx: 5, cy: 6, sx: 2, sy: 3, turn: .25}, point{5, 8}},
		{placement{cx: 5, cy: 6, sx: 2, sy: 3, mirror: true}, point{3, 6}},
	} {
		if got := c.at.place(nil, tip)[0][0]; got != c.want {
			t.Errorf("%+v takes (1, 0) to %v, want %v", c.at, got, c.want)
		}
	}
}

// All figures have to fit their frame and to differ from each other by more than pixels at the
// edge: compared as masks at 16 pixels in the same place, by the share of what either covers.
func TestFiguresDiffer(t *testing.T) {
	const size = 16
	at := placement{cx: 8, cy: 8, sx: 6, sy: 6}
	var masks []*mask
	all := figures()
	for _, f := range all {
		m := newMask(size)
		m.draw(at.place(nil, f.outline))
		masks = append(masks, m)
		for _, polygon := range f.outline {
			for _, p := range polygon {
				if math.Hypot(p.x, p.y) > 1.35 {
					t.Errorf("%s: point %v is outside the frame", f.name, p)
				}
			}
		}
	}
	for i, a := range masks {
		for j, b := range masks[:i] {
			apart, either := 0., 0.
			for k := range a.cover {
				apart += math.Abs(a.cover[k] - b.cover[k])
				either += max(a.cover[k], b.cover[k])
			}
			if apart < .15*either {
				t.Errorf("%s and %s differ in %.0f %% of their area only", all[i].name, all[j].name,
					100*apart/either)
			}
		}
	}
}

func TestColourHasItsLuma(t *testing.T) {
	for hue := 0.; hue < 1; hue += .05 {
		for _, luma := range []float64{.2, .4, .6} {
			c := colour(hue, .5, luma)
			if got := c.luma(); math.Abs(got-luma) > .05 {
				t.Errorf("hue %.2f: luma %.3f, want %.3f", hue, got, luma)
			}
			if slack := max(c[0], c[1], c[2]) - min(c[0], c[1], c[2]); slack < .05 {
				t.Errorf("hue %.2f, luma %.1f: %v is grey", hue, luma, c)
			}
		}
	}
	red := colour(0, 1, .299)
	if math.Abs(red[0]-1) > 1e-9 || red[1] != 0 || red[2] != 0 {
		t.Errorf("pure red is %v", red)
	}
}

func TestTexturesStayInRange(t *testing.T) {
	seen := map[pattern]bool{}
	g := newGenerator()
	for i := range 60 {
		var f texture
		f.draw(g.at(1, 1, 1, uint64(i)), 24)
		seen[f.kind] = true
		lo, hi := 1., 0.
		for y := range 24 {
			for x := range 24 {
				v := f.at(float64(x)+.5, float64(y)+.5)
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		if lo < 0 || hi > 1 {
			t.Errorf("texture %d has values from %g to %g", f.kind, lo, hi)
		}
		if f.kind != plain && hi-lo < .3 {
			t.Errorf("texture %d varies by %g only", f.kind, hi-lo)
		}
	}
	if len(seen) != int(patterns) {
		t.Errorf("%d kinds of %d occur", len(seen), patterns)
	}
}
