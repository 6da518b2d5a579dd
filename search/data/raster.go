package data

import "math"

// subrows is the number of lines per pixel row at which outlines are sampled; across, the
// coverage is exact.
const subrows = 4

// mask is the share of each pixel of a size x size image that an outline covers, 0 to 1.
type mask struct {
	size     int
	cover    []float64
	top, end int // only rows from top up to end are not all zero
	cuts     []float64
}

func newMask(size int) *mask { return &mask{size: size, cover: make([]float64, size*size)} }

// draw replaces the mask by that of the outline, given in pixels. Overlaps cancel (even-odd rule).
func (m *mask) draw(outline contours) {
	clear(m.cover)
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, polygon := range outline {
		for _, p := range polygon {
			lo, hi = min(lo, p.y), max(hi, p.y)
		}
	}
	m.top = max(0, min(m.size, int(math.Floor(lo))))
	m.end = max(m.top, min(m.size, int(math.Ceil(hi))))
	for y := m.top; y < m.end; y++ {
		for s := range subrows {
			m.cut(outline, float64(y)+float64((float64(s)+.5)/subrows))
			row := m.cover[y*m.size : (y+1)*m.size]
			for i := 0; i+1 < len(m.cuts); i += 2 {
				span(row, m.cuts[i], m.cuts[i+1])
			}
		}
	}
}

// cut collects where the outline crosses the line at height y, from left to right.
func (m *mask) cut(outline contours, y float64) {
	m.cuts = m.cuts[:0]
	for _, polygon := range outline {
		a := polygon[len(polygon)-1]
		for _, b := range polygon {
			if (a.y <= y) != (b.y <= y) {
				x := a.x + float64((y-a.y)*(b.x-a.x))/(b.y-a.y)
				m.insert(x)
			}
			a = b
		}
	}
}

func (m *mask) insert(x float64) {
	m.cuts = append(m.cuts, x)
	for i := len(m.cuts) - 1; i > 0 && m.cuts[i-1] > x; i-- {
		m.cuts[i-1], m.cuts[i] = x, m.cuts[i-1]
	}
}

// span adds one subrow from a to b.
func span(row []float64, a, b float64) {
	a, b = max(0, a), min(float64(len(row)), b)
	if a >= b {
		return
	}
	const share = 1. / subrows
	first, last := int(a), min(int(b), len(row)-1)
	if first == last {
		row[first] += float64((b - a) * share)
		return
	}
	row[first] += float64((float64(first+1) - a) * share)
	for x := first + 1; x < last; x++ {
		row[x] += share
	}
	row[last] += float64((b - float64(last)) * share)
}
