package data

import "image"

// toRGB turns luma and chroma into red, green and blue, which may lie outside of 0 to 255.
type toRGB func(y, cb, cr int32) (r, g, b int32)

// fullColour is that of JFIF in the arithmetic of libjpeg (jdcolor.c).
func fullColour(y, cb, cr int32) (r, g, b int32) {
	const half = 1 << 15
	cb, cr = cb-128, cr-128
	return y + (91881*cr+half)>>16, y + (-22554*cb-46802*cr+half)>>16, y + (116130*cb+half)>>16
}

// videoColour is that of VP8, whose luma has the range 16 to 235, in the arithmetic of libwebp (dsp/yuv.h).
func videoColour(y, cb, cr int32) (r, g, b int32) {
	luma := y * 19077 >> 8
	return (luma + cr*26149>>8 - 14234) >> 6, (luma - cb*6419>>8 - cr*13320>>8 + 8708) >> 6,
		(luma + cb*33050>>8 - 17685) >> 6
}

// upsampler gives the rows of a plane of chroma at the size of the image.
type upsampler interface {
	row(y int) []int32 // valid until the next call
}

// smooth converts an image whose chroma is interpolated.
func smooth[U upsampler](img *image.YCbCr, plane func(*image.YCbCr, []uint8) U, convert toRGB) *image.RGBA {
	b := img.Rect
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	blue, red := plane(img, img.Cb), plane(img, img.Cr)
	for y := range b.Dy() {
		cb, cr := blue.row(y), red.row(y)
		luma := img.Y[img.YOffset(b.Min.X, b.Min.Y+y):]
		row := out.Pix[y*out.Stride : (y+1)*out.Stride]
		for x := range b.Dx() {
			r, g, b := convert(int32(luma[x]), cb[x], cr[x])
			pixel := row[4*x : 4*x+4 : 4*x+4]
			pixel[0], pixel[1], pixel[2], pixel[3] = clip(r), clip(g), clip(b), 255
		}
	}
	return out
}

func clip(v int32) uint8 { return uint8(min(255, max(0, v))) }

// chroma is one of the two planes of a JPEG. One that is halved in either direction goes through the triangle
// filter of libjpeg (jdsample.c, "fancy upsampling"): a sample lies between two pixels and counts three times as
// much for the nearer one as its neighbour. Planes of other ratios are repeated, as libjpeg does.
type chroma struct {
	img           *image.YCbCr
	plane         []uint8
	width, height int     // of what is used of the plane
	ratio         int     // columns of the image to one of the plane
	halfX, halfY  bool    // it is halved, and interpolated
	mixed         []int32 // a row of the plane, mixed with the nearer of its neighbours: 4 times the values
	line          []int32 // a row of the image
}

func newChroma(img *image.YCbCr, plane []uint8) *chroma {
	x, y := 1, 1
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		x = 2
	case image.YCbCrSubsampleRatio420:
		x, y = 2, 2
	case image.YCbCrSubsampleRatio440:
		y = 2
	case image.YCbCrSubsampleRatio411:
		x = 4
	case image.YCbCrSubsampleRatio410:
		x, y = 4, 2
	}
	c := &chroma{img: img, plane: plane, ratio: x, width: (img.Rect.Dx() + x - 1) / x,
		height: (img.Rect.Dy() + y - 1) / y}
	// libjpeg interpolates neither a plane of one or two columns nor one that is quartered.
	c.halfX = x == 2 && c.width > 2
	c.halfY = y == 2 && (x == 1 || c.halfX)
	c.mixed, c.line = make([]int32, c.width), make([]int32, img.Rect.Dx())
	return c
}

// row is that of upsampler.
func (c *chroma) row(y int) []int32 {
	from := c.img.COffset(c.img.Rect.Min.X, c.img.Rect.Min.Y+y)
	near := c.plane[from:][:c.width]
	far := near
	if c.halfY {
		other := y/2 - 1 + 2*(y%2)
		if other >= 0 && other < c.height {
			far = c.plane[from+(other-y/2)*c.img.CStride:][:c.width]
		}
	}
	for i, v := range near {
		c.mixed[i] = 3*int32(v) + int32(far[i])
	}
	switch {
	case c.halfX:
		c.spread()
	case c.halfY: // the rounding of libjpeg's h1v2_fancy_upsample
		for x, v := range c.mixed {
			c.line[x] = (v + 1 + int32(y%2)) >> 2
		}
	default:
		for x := range c.line {
			c.line[x] = c.mixed[x/c.ratio] >> 2
		}
	}
	return c.line
}

// spread interpolates a mixed row to twice its length. Rounding alternates, as in libjpeg, so that it does not
// make the image lighter or darker.
func (c *chroma) spread() {
	low, high, shift := int32(8), int32(7), 4
	if !c.halfY { // h2v1_fancy_upsample: the row was not mixed, its values are 4 times those of the plane
		low, high = 4, 8
	}
	last := c.width - 1
	for x := range c.line {
		at := x / 2
		beside, bias := max(0, at-1), low
		if x%2 == 1 {
			beside, bias = min(last, at+1), high
		}
		c.line[x] = (3*c.mixed[at] + c.mixed[beside] + bias) >> shift
	}
}
