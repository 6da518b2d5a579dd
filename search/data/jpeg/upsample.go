package jpeg

// plane gives the rows of a component at the size of the image. One that is halved in either direction goes through
// the triangle filter of libjpeg (jdsample.c, "fancy upsampling"): a sample lies between two pixels and counts three
// times as much for the nearer one as its neighbour. Planes of other ratios are repeated, as libjpeg does.
type plane struct {
	*component
	x, y         int // pixels to a sample
	halfX, halfY bool
	mixed        []int32 // a row, mixed with the nearer of its neighbours: 4 times the values
	line         []int32 // a row of the image
}

func newPlane(d *decoder, c *component) *plane {
	p := &plane{component: c, x: d.hMax / c.h, y: d.vMax / c.v}
	// libjpeg does not interpolate planes of one or two columns.
	p.halfX = p.x == 2 && p.y <= 2 && c.width > 2
	p.halfY = p.y == 2 && (p.x == 1 || p.halfX)
	p.mixed, p.line = make([]int32, c.width), make([]int32, d.width)
	return p
}

// samplesOf is a row of the plane, without padding.
func (p *plane) samplesOf(y int) []uint8 {
	return p.samples[min(p.height-1, max(0, y))*8*p.across:][:p.width]
}

// row gives row y of the image, valid until the next call.
func (p *plane) row(y int) []int32 {
	at := y / p.y
	near := p.samplesOf(at)
	far := near
	if p.halfY {
		far = p.samplesOf(at - 1 + 2*(y%2))
	}
	for i, v := range near {
		p.mixed[i] = 3*int32(v) + int32(far[i])
	}
	switch {
	case p.halfX:
		p.spread()
	case p.halfY: // the rounding of h1v2_fancy_upsample
		for x, v := range p.mixed {
			p.line[x] = (v + 1 + int32(y%2)) >> 2
		}
	default:
		for x := range p.line {
			p.line[x] = p.mixed[x/p.x] >> 2
		}
	}
	return p.line
}

// spread interpolates a mixed row to twice its length. Rounding alternates, as in libjpeg, so that it does not
// make the image lighter or darker.
func (p *plane) spread() {
	left, right := int32(8), int32(7)
	if !p.halfY { // h2v1_fancy_upsample
		left, right = 4, 8
	}
	last := p.width - 1
	for x := range p.line {
		at := x / 2
		beside, bias := max(0, at-1), left
		if x%2 == 1 {
			beside, bias = min(last, at+1), right
		}
		p.line[x] = (3*p.mixed[at] + p.mixed[beside] + bias) >> 4
	}
}
