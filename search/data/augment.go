package data

import "fmt"

// Augment says how a training image is varied. In this order (as DARTS): a random crop of
// the image's own size out of the image with Pad pixels of black around it, a horizontal flip
// with probability 1/2, normalisation, and a square of side Cutout set to zero, its centre anywhere
// and its overhang clipped. Black is put on before the normalisation, as torchvision's RandomCrop
// does on a picture; the cutout is zero after it. The zero value only normalises: evaluation.
type Augment struct {
	Pad    int  // pixels, 0 for no crop; DARTS: 4
	Flip   bool // horizontal
	Cutout int  // side in pixels, 0 for none; DARTS: 16 in retraining, none in search
}

// Check refuses what cannot be done to images with the given side.
func (a Augment) Check(size int) error {
	if a.Pad < 0 || a.Pad > size {
		return fmt.Errorf("data: augment: pad is %d, want 0..%d for images of side %d", a.Pad, size, size)
	}
	if a.Cutout < 0 || a.Cutout > 2*size {
		return fmt.Errorf("data: augment: cutout is %d, want 0..%d for images of side %d",
			a.Cutout, 2*size, size)
	}
	return nil
}

// normalisation holds the value of every byte of every channel: a table is exact and faster than
// the arithmetic.
type normalisation [Channels][256]float32

func newNormalisation(s *Set) *normalisation {
	var t normalisation
	for c := range t {
		for v := range t[c] {
			t[c][v] = float32((float64(v)/255 - float64(s.Mean[c])) / float64(s.Std[c]))
		}
	}
	return &t
}

// apply writes one varied image, normalised, to dst; src and dst are [3, size, size]. The draws
// are crop row, crop column, flip, cutout row, cutout column; what is switched off draws nothing.
func (a Augment) apply(dst []float32, src []uint8, size int, t *normalisation, g *generator) {
	dy, dx := 0, 0
	if a.Pad > 0 {
		dy = g.IntN(2*a.Pad+1) - a.Pad
		dx = g.IntN(2*a.Pad+1) - a.Pad
	}
	flip := a.Flip && g.IntN(2) == 1
	for c := range Channels {
		plane := c * size * size
		for y := range size {
			to := dst[plane+y*size : plane+(y+1)*size]
			if sy := y + dy; sy >= 0 && sy < size {
				copyRow(to, src[plane+sy*size:plane+(sy+1)*size], dx, &t[c])
			} else {
				fill(to, t[c][0])
			}
			if flip {
				reverse(to)
			}
		}
	}
	if a.Cutout > 0 {
		cutout(dst, size, a.Cutout, g.IntN(size), g.IntN(size))
	}
}

// copyRow writes the normalised row src moved left by dx, black where there is none. Check has
// seen to it that |dx| <= len(src), so that lo <= hi.
func copyRow(dst []float32, src []uint8, dx int, t *[256]float32) {
	lo, hi := max(0, -dx), min(len(dst), len(src)-dx)
	fill(dst[:lo], t[0])
	for x, v := range src[lo+dx : hi+dx] {
		dst[lo+x] = t[v]
	}
	fill(dst[hi:], t[0])
}

func fill(row []float32, v float32) {
	for x := range row {
		row[x] = v
	}
}

func reverse(row []float32) {
	for i, j := 0, len(row)-1; i < j; i, j = i+1, j-1 {
		row[i], row[j] = row[j], row[i]
	}
}

// cutout zeroes the square of the given side around (cy, cx), as far as it lies in the image.
func cutout(img []float32, size, side, cy, cx int) {
	y0, x0 := max(0, cy-side/2), max(0, cx-side/2)
	y1, x1 := min(size, cy+side-side/2), min(size, cx+side-side/2)
	for c := range Channels {
		for y := y0; y < y1; y++ {
			row := (c*size + y) * size
			clear(img[row+x0 : row+x1])
		}
	}
}
