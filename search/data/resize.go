package data

import (
	"context"
	"image"
	"image/color"
	"image/draw"

	scale "golang.org/x/image/draw"
)

// square gives the square in the middle of an image, on white, turned upright.
func square(img image.Image, orientation int) *image.RGBA {
	if orientation != 1 { // first of all, as the middle of an odd rest depends on it
		whole := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
		draw.Draw(whole, whole.Rect, img, img.Bounds().Min, draw.Src)
		img = upright(whole, orientation)
	}
	b := img.Bounds()
	side := min(b.Dx(), b.Dy())
	from := b.Min.Add(image.Pt((b.Dx()-side)/2, (b.Dy()-side)/2))
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(out, out.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, img, from, draw.Over)
	return out
}

// resize scales a square image to the given side. When it shrinks the image the kernel is widened,
// so that every pixel counts.
func resize(img *image.RGBA, size int) *image.RGBA {
	if img.Rect.Dx() == size {
		return img
	}
	out := image.NewRGBA(image.Rect(0, 0, size, size))
	scale.CatmullRom.Scale(out, out.Rect, img, img.Rect, draw.Src, nil)
	return out
}

// planes takes red, green and blue apart.
func planes(img *image.RGBA) []uint8 {
	plane := img.Rect.Dx() * img.Rect.Dy()
	out := make([]uint8, Channels*plane)
	for i := range plane {
		for c := range Channels {
			out[c*plane+i] = img.Pix[4*i+c]
		}
	}
	return out
}

// Picture gives image i in a form that the standard library can encode.
func (s *Set) Picture(i int) *image.RGBA {
	pixels, plane := s.Image(i), s.Size*s.Size
	img := image.NewRGBA(image.Rect(0, 0, s.Size, s.Size))
	for at := range plane {
		for c := range Channels {
			img.Pix[4*at+c] = pixels[c*plane+at]
		}
		img.Pix[4*at+Channels] = 255
	}
	return img
}

// scaled gives the set with images of another side; 0 and its own change nothing.
func (s *Set) scaled(ctx context.Context, size int) (*Set, error) {
	if size == 0 || size == s.Size {
		return s, nil
	}
	out := *s
	out.Size = size
	out.Images = make([]uint8, s.Len()*out.Pixels())
	err := parallel(ctx, s.Len(), nil, func(i int) error {
		copy(out.Image(i), planes(resize(s.Picture(i), size)))
		return nil
	})
	return &out, err
}
