package data

import "math"

// point is a position in the plane, x to the right and y down.
type point struct{ x, y float64 }

// contours are closed polygons. What lies inside an odd number of them is filled.
type contours [][]point

// figure is a class of the generated set: an outline in about [-1, 1] x [-1, 1].
type figure struct {
	name    string
	outline contours
}

// figures lists the ten classes. They differ in outline alone, keep apart under any rotation
// and reflection, and come in pairs that only a part tells from each other (disc and ring, square
// and frame), so that neither their colour nor their area gives them away.
func figures() []figure {
	disc, square := arc(0, 0, .9, 0, 1, 28), rectangle(.78, .78)
	bar := []point{{-.32, -.95}, {.32, -.95}, {.32, -.32}, {.95, -.32}, {.95, .32}, {.32, .32},
		{.32, .95}, {-.32, .95}, {-.32, .32}, {-.95, .32}, {-.95, -.32}, {-.32, -.32}}
	arrow := []point{{0, -1}, {.8, -.1}, {.3, -.1}, {.3, .95}, {-.3, .95}, {-.3, -.1}, {-.8, -.1}}
	glass := []point{{-.85, -.95}, {.85, -.95}, {.14, 0}, {.85, .95}, {-.85, .95}, {-.14, 0}}
	return []figure{
		{"disc", contours{disc}},
		{"ring", contours{arc(0, 0, 1, 0, 1, 28), arc(0, 0, .52, 0, 1, 20)}},
		{"square", contours{square}},
		{"frame", contours{rectangle(.88, .88), rectangle(.45, .45)}},
		{"triangle", contours{{{0, -1}, {.95, .75}, {-.95, .75}}}},
		{"star", contours{star(5, 1.1, .46)}},
		{"cross", contours{bar}},
		{"crescent", contours{crescent()}},
		{"arrow", contours{arrow}},
		{"hourglass", contours{glass}},
	}
}

// arc gives n points of a circle from one angle to another, in turns.
func arc(cx, cy, r, from, to float64, n int) []point {
	points := make([]point, n)
	for i := range points {
		sin, cos := sincos(from + float64((to-from)*float64(i))/float64(n))
		points[i] = point{cx + float64(r*cos), cy + float64(r*sin)}
	}
	return points
}

func rectangle(w, h float64) []point { return []point{{-w, -h}, {w, -h}, {w, h}, {-w, h}} }

// star has n tips at distance outer, the first one up, and n notches at distance inner.
func star(n int, outer, inner float64) []point {
	var points []point
	for i := range 2 * n {
		r := outer
		if i%2 == 1 {
			r = inner
		}
		sin, cos := sincos(float64(i)/float64(2*n) - .25)
		points = append(points, point{r * cos, r * sin})
	}
	return points
}

// crescent is a disc of radius 1 less a disc of radius .8 around (.5, 0). The circles meet at
// angles of .1456 turns seen from the first centre and .2281 turns seen from the second. It is
// moved to the right so that its middle is at the origin.
func crescent() []point {
	const shift = .25
	outer := arc(shift, 0, 1, .1456, 1-.1456, 24)
	inner := arc(shift+.5, 0, .8, 1-.2281, .2281, 20)
	return append(outer, inner...)
}

// sincos takes its angle in turns. The values are rounded to 20 binary digits, so that they do not
// depend on how a processor's mathematics library rounds.
func sincos(turns float64) (sin, cos float64) {
	sin, cos = math.Sincos(2 * math.Pi * turns)
	return math.Round(sin*(1<<20)) / (1 << 20), math.Round(cos*(1<<20)) / (1 << 20)
}

// placement moves an outline into an image.
type placement struct {
	cx, cy float64 // centre in pixels
	sx, sy float64 // pixels per unit across and along
	turn   float64 // rotation in turns
	mirror bool
}

// place writes the moved outline to dst, whose memory it reuses.
func (p placement) place(dst, outline contours) contours {
	sin, cos := sincos(p.turn)
	dst = dst[:cap(dst)]
	for len(dst) < len(outline) {
		dst = append(dst, nil)
	}
	for i, from := range outline {
		to := dst[i][:0]
		for _, q := range from {
			x, y := float64(q.x*p.sx), float64(q.y*p.sy)
			if p.mirror {
				x = -x
			}
			to = append(to, point{p.cx + float64(x*cos) - float64(y*sin),
				p.cy + float64(x*sin) + float64(y*cos)})
		}
		dst[i] = to
	}
	return dst[:len(outline)]
}
