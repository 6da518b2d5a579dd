package data

import "image"

// webpChroma is one of the two planes of a WebP image, halved in both directions and interpolated as libwebp does
// (dsp/upsampling.c): the triangle filter in two roundings.
type webpChroma struct {
	img   *image.YCbCr
	plane []uint8
	line  []int32
}

func newWebPChroma(img *image.YCbCr, plane []uint8) *webpChroma {
	return &webpChroma{img, plane, make([]int32, img.Rect.Dx())}
}

// row is that of upsampler.
func (c *webpChroma) row(y int) []int32 {
	width, height := (c.img.Rect.Dx()+1)/2, (c.img.Rect.Dy()+1)/2
	row := func(at int) []uint8 {
		return c.plane[min(height-1, max(0, at))*c.img.CStride:][:width]
	}
	near, far := row(y/2), row(y/2-1+2*(y%2))
	last := len(c.line) - 1
	for x := range c.line {
		at := x / 2
		n, v := int32(near[at]), int32(far[at])
		if x == 0 || x == last && x%2 == 1 {
			c.line[x] = (3*n + v + 2) >> 2
			continue
		}
		beside := at - 1 + 2*(x%2)
		h, d := int32(near[beside]), int32(far[beside])
		c.line[x] = ((n+d+3*h+3*v+8)>>3 + n) >> 1
	}
	return c.line
}
