package jpeg

import "image"

// picture joins the components.
func (d *decoder) picture() (image.Image, error) {
	size := image.Rect(0, 0, d.width, d.height)
	if len(d.comps) == 1 {
		c := d.comps[0]
		return &image.Gray{Pix: c.samples, Stride: 8 * c.across, Rect: size}, nil
	}
	planes := make([]*plane, len(d.comps))
	for i, c := range d.comps {
		planes[i] = newPlane(d, c)
	}
	if len(d.comps) == 3 {
		out := image.NewRGBA(size)
		d.join(planes, out.Pix, out.Stride, false)
		return out, nil
	}
	out := image.NewCMYK(size)
	d.join(planes, out.Pix, out.Stride, true)
	return out, nil
}

// join writes pixels of four bytes. Four components are inks that are stored inverted, as Adobe's programs and
// everybody after them do it.
func (d *decoder) join(planes []*plane, pix []uint8, stride int, inks bool) {
	coded := d.isCoded()
	var rows [4][]int32
	for y := range d.height {
		for i, p := range planes {
			rows[i] = p.row(y)
		}
		out := pix[y*stride:][:4*d.width]
		for x := range d.width {
			a, b, c := rows[0][x], rows[1][x], rows[2][x]
			if coded {
				a, b, c = rgb(a, b, c)
			}
			p := out[4*x : 4*x+4 : 4*x+4]
			p[0], p[1], p[2], p[3] = clip(a), clip(b), clip(c), 255
			if inks {
				if !coded { // of coded inks libjpeg inverts three, which inverting all takes back
					p[0], p[1], p[2] = 255-p[0], 255-p[1], 255-p[2]
				}
				p[3] = 255 - uint8(rows[3][x])
			}
		}
	}
}

// isCoded says whether the first three components are luma and chroma, by the rules of libjpeg (jdapimin.c).
func (d *decoder) isCoded() bool {
	switch {
	case len(d.comps) == 4:
		return d.adobe > 0
	case d.jfif:
		return true
	case d.adobe >= 0:
		return d.adobe != 0
	}
	return d.comps[0].id != 'R' || d.comps[1].id != 'G' || d.comps[2].id != 'B'
}

// rgb is the conversion of JFIF in the arithmetic of libjpeg (jdcolor.c).
func rgb(y, cb, cr int32) (r, g, b int32) {
	const half = 1 << 15
	cb, cr = cb-128, cr-128
	return y + (91881*cr+half)>>16, y + (-22554*cb-46802*cr+half)>>16, y + (116130*cb+half)>>16
}
