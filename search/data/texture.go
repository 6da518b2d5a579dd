package data

import "math"

// pattern is a kind of texture.
type pattern int

const (
	plain pattern = iota
	gradient
	stripes
	checks
	clouds
	patterns // their number
)

// lattice is the number of cells of clouds along a side of the image.
const lattice = 5

// texture is a field over the image with values from 0 to 1, by which two shades are mixed.
type texture struct {
	kind   pattern
	ux, uy float64 // the direction, divided by the length of a period in pixels
	u, v   float64 // phases, in periods
	cells  float64 // clouds: cells per pixel
	knots  [lattice + 1][lattice + 1]float64
}

// draw chooses a texture for an image of the given side.
func (t *texture) draw(g *generator, size int) {
	t.kind = pattern(g.IntN(int(patterns)))
	sin, cos := sincos(g.between(0, 1))
	// Periods shorter than three pixels would alias.
	period := max(3, float64(size)*g.between(.12, .35))
	if t.kind == gradient {
		period = float64(size)
	}
	t.ux, t.uy = cos/period, sin/period
	t.u, t.v = g.between(0, 1), g.between(0, 1)
	t.cells = lattice / float64(size)
	for i := range t.knots {
		for j := range t.knots[i] {
			t.knots[i][j] = g.Float64()
		}
	}
}

// at is the value at the middle of pixel (x, y).
func (t *texture) at(x, y float64) float64 {
	switch t.kind {
	case gradient:
		return wave(t.u + float64(x*t.ux) + float64(y*t.uy))
	case stripes:
		return sharpen(wave(t.u + float64(x*t.ux) + float64(y*t.uy)))
	case checks:
		a := sharpen(wave(t.u + float64(x*t.ux) + float64(y*t.uy)))
		b := sharpen(wave(t.v + float64(x*t.uy) - float64(y*t.ux)))
		return a + b - float64(2*a*b)
	case clouds:
		return t.cloud(float64(x*t.cells), float64(y*t.cells))
	default:
		return 0
	}
}

// wave is a triangular wave of period 1 between 0 and 1.
func wave(u float64) float64 { return math.Abs(2*(u-math.Floor(u)) - 1) }

// sharpen makes the flanks of a wave three times as steep.
func sharpen(w float64) float64 { return min(1, max(0, float64(3*(w-.5))+.5)) }

// cloud interpolates the knots bilinearly.
func (t *texture) cloud(x, y float64) float64 {
	i, j := min(int(y), lattice-1), min(int(x), lattice-1)
	fy, fx := y-float64(i), x-float64(j)
	top := lerp(t.knots[i][j], t.knots[i][j+1], fx)
	return lerp(top, lerp(t.knots[i+1][j], t.knots[i+1][j+1], fx), fy)
}

func lerp(a, b, f float64) float64 { return a + float64((b-a)*f) }

// rgb is a colour with components from 0 to 1.
type rgb [Channels]float64

// luma is the perceived lightness (Rec. 601).
func (c rgb) luma() float64 {
	return float64(.299*c[0]) + float64(.587*c[1]) + float64(.114*c[2])
}

// colour makes the colour of a hue (in turns) and a saturation that has the given luma, or comes
// as near to it as the range of the components allows.
func colour(hue, saturation, luma float64) rgb {
	var c rgb
	for i, offset := range [Channels]float64{0, 4, 2} {
		k := float64(6*hue) + offset
		k -= float64(6 * math.Floor(k/6))
		pure := min(1, max(0, math.Abs(k-3)-1))
		c[i] = lerp(1, pure, saturation)
	}
	return c.scaled(luma / c.luma())
}

func (c rgb) scaled(f float64) rgb {
	for i := range c {
		c[i] = min(1, c[i]*f)
	}
	return c
}
