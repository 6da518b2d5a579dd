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

// row gives row y of the image, valid until the next call.
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

// smoothWebP converts a lossy WebP image to the colours of libwebp.
func smoothWebP(img *image.YCbCr) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.Rect.Dx(), img.Rect.Dy()))
	blue, red := newWebPChroma(img, img.Cb), newWebPChroma(img, img.Cr)
	for y := range out.Rect.Dy() {
		cb, cr := blue.row(y), red.row(y)
		luma := img.Y[img.YOffset(img.Rect.Min.X, img.Rect.Min.Y+y):]
		row := out.Pix[y*out.Stride : (y+1)*out.Stride]
		for x := range out.Rect.Dx() {
			r, g, b := videoColour(int32(luma[x]), cb[x], cr[x])
			pixel := row[4*x : 4*x+4 : 4*x+4]
			pixel[0], pixel[1], pixel[2], pixel[3] = clip(r), clip(g), clip(b), 255
		}
	}
	return out
}

// videoColour is the conversion of VP8, whose luma has the range 16 to 235, in the arithmetic of libwebp
// (dsp/yuv.h).
func videoColour(y, cb, cr int32) (r, g, b int32) {
	luma := y * 19077 >> 8
	return (luma + cr*26149>>8 - 14234) >> 6, (luma - cb*6419>>8 - cr*13320>>8 + 8708) >> 6,
		(luma + cb*33050>>8 - 17685) >> 6
}

func clip(v int32) uint8 { return uint8(min(255, max(0, v))) }
