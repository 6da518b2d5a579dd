package data

// scene is everything that is chosen at random for one generated image, apart from its noise.
// It is drawn in relative units first, so that an image keeps its look at another size.
type scene struct {
	at         placement
	figure     paint
	ground     paint
	occluded   bool
	bar        placement // the occluder, a bar across the figure's edge
	barPaint   paint
	gain, bias float64 // brightness and contrast
	noise      float64 // half the width of the noise's triangular distribution
}

// paint is two shades mixed by a texture.
type paint struct {
	a, b  rgb
	field texture
}

// draw chooses two related colours of about the given luma, apart from each other by twice the
// contrast, and how they are mixed.
func (p *paint) draw(g *generator, size int, luma, contrast float64) {
	hue, saturation := g.between(0, 1), g.between(.15, .75)
	p.a = colour(hue, saturation, luma-contrast)
	p.b = colour(hue+g.between(-.08, .08), saturation, luma+contrast)
	p.field.draw(g, size)
}

// at is the colour of pixel (x, y).
func (p *paint) at(x, y int) rgb {
	f := p.field.at(float64(x)+.5, float64(y)+.5)
	var mixed rgb
	for k := range mixed {
		mixed[k] = lerp(p.a[k], p.b[k], f)
	}
	return mixed
}

// draw chooses a scene for an image of the given side.
func (s *scene) draw(g *generator, size int) {
	side := float64(size)
	dark, light := g.between(.18, .42), g.between(.58, .82)
	if g.chance(.27) { // most figures are lighter than what is behind them, some are darker
		dark, light = light, dark
	}
	s.ground.draw(g, size, dark, g.between(.02, .1))
	s.figure.draw(g, size, light, g.between(.02, .1))
	radius := side * g.between(.28, .4)
	s.at = placement{
		cx: side * g.between(.4, .6), cy: side * g.between(.4, .6),
		sx: radius * g.between(.85, 1.1), sy: radius * g.between(.85, 1.1),
		turn: g.between(-.065, .065), mirror: g.chance(.5),
	}
	s.drawBar(g, size, radius)
	s.gain, s.bias = g.between(.75, 1.2), g.between(-.08, .08)
	s.noise = g.between(.02, .1)
}

// drawBar decides for an occluder: a bar of any direction that crosses the figure off its centre.
func (s *scene) drawBar(g *generator, size int, radius float64) {
	s.occluded = g.chance(.3)
	turn, off := g.between(0, 1), radius*g.between(.35, .9)
	sin, cos := sincos(turn)
	s.bar = placement{cx: s.at.cx + float64(off*cos), cy: s.at.cy + float64(off*sin),
		sx: float64(size) * g.between(.04, .09), sy: 2 * float64(size), turn: turn}
	s.barPaint.draw(g, size, g.between(.15, .85), .05)
}

// canvas is where one worker paints; it is reused from image to image.
type canvas struct {
	size    int
	light   []rgb // [size*size], before quantisation
	mask    *mask
	outline contours
	scene   scene
	bar     contours
}

func newCanvas(size int) *canvas {
	return &canvas{size: size, light: make([]rgb, size*size), mask: newMask(size),
		bar: contours{rectangle(1, 1)}}
}

// render paints one image of the figure to dst, [3, size, size], from the generator's stream.
func (c *canvas) render(dst []uint8, f *figure, g *generator) {
	s := &c.scene
	s.draw(g, c.size)
	c.fill(&s.ground)
	c.paint(s.at, f.outline, &s.figure)
	if s.occluded {
		c.paint(s.bar, c.bar, &s.barPaint)
	}
	c.expose(dst, g)
}

// fill covers the whole canvas.
func (c *canvas) fill(p *paint) {
	for y := range c.size {
		for x := range c.size {
			c.light[y*c.size+x] = p.at(x, y)
		}
	}
}

// paint covers what lies inside the outline.
func (c *canvas) paint(at placement, outline contours, p *paint) {
	c.outline = at.place(c.outline, outline)
	c.mask.draw(c.outline)
	for i := c.mask.top * c.size; i < c.mask.end*c.size; i++ {
		if cover := c.mask.cover[i]; cover > 0 {
			over := p.at(i%c.size, i/c.size)
			for k := range over {
				c.light[i][k] = lerp(c.light[i][k], over[k], cover)
			}
		}
	}
}

// expose turns light into bytes: contrast, brightness, noise, rounding. The noise of a channel is
// the difference of two uniform numbers, all six taken from one draw.
func (c *canvas) expose(dst []uint8, g *generator) {
	s := &c.scene
	const steps = 1 << 10
	for i, light := range c.light {
		bits := g.Uint64()
		for k, v := range light {
			grain := float64(int(bits%steps)-int(bits/steps%steps)) / steps
			bits /= steps * steps
			v = .5 + s.bias + float64((v-.5)*s.gain) + float64(grain*s.noise)
			dst[k*len(c.light)+i] = uint8(float64(255*min(1, max(0, v))) + .5)
		}
	}
}
