package celldraw

import (
	"bytes"
	"image/color"
	"strconv"
	"strings"

	plotfont "gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	plottext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"zos-ort/models/space"
)

// PNG is SVG for those who show no vectors.
func PNG(title string, g space.Genotype, t space.CellType) ([]byte, error) {
	l := arrange(g, t)
	img := vgimg.NewWith(vgimg.UseWH(vg.Length(l.width), vg.Length(l.height)), vgimg.UseDPI(72))
	p := painter{draw.New(img), vg.Length(l.height), plottext.Plain{Fonts: plotfont.NewCache(liberation.Collection())}}
	p.write(l.width/2, titleHeight-14, title, 18, color.Black, draw.XCenter)
	for _, x := range l.lanes {
		p.lane(x)
	}
	for _, b := range l.boxes {
		corners := []vg.Point{p.at(b.x, b.y), p.at(b.x+b.width, b.y), p.at(b.x+b.width, b.y+b.height), p.at(b.x, b.y+b.height)}
		p.FillPolygon(rgb(b.fill), corners)
		p.StrokeLines(draw.LineStyle{Color: rgb("#606060"), Width: 1}, append(corners, corners[0]))
		p.write(b.x+b.width/2, b.y+b.height/2+6, b.label, 16, color.Black, draw.XCenter)
	}
	var out bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(&out)
	return out.Bytes(), err
}

// painter draws in the coordinates of a layout, which go down.
type painter struct {
	draw.Canvas
	height vg.Length
	text   plottext.Handler
}

func (p painter) at(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(x), Y: p.height - vg.Length(y)}
}

func (p painter) write(x, y float64, s string, size vg.Length, c color.Color, align draw.XAlignment) {
	p.FillText(draw.TextStyle{Color: c, Font: plotfont.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign: align, Handler: p.text}, p.at(x, y), s)
}

// lane draws a lane with a sharp corner.
func (p painter) lane(x lane) {
	c := rgb(x.look.color)
	width, _ := strconv.ParseFloat(x.look.width, 64)
	style := draw.LineStyle{Color: c, Width: vg.Length(width)}
	for part := range strings.SplitSeq(dashes[x.look.style], ",") {
		if n, err := strconv.ParseFloat(part, 64); err == nil {
			style.Dashes = append(style.Dashes, vg.Length(n))
		}
	}
	var head []vg.Point
	xs, ys := x.head()
	for i := range xs {
		head = append(head, p.at(xs[i], ys[i]))
	}
	p.FillPolygon(c, head)
	if !x.turns {
		p.StrokeLines(style, []vg.Point{p.at(x.fromX, x.fromY), p.at(x.toX-arrow, x.toY)})
		return
	}
	p.StrokeLines(style, []vg.Point{p.at(x.fromX, x.fromY), p.at(x.toX, x.fromY), p.at(x.toX, x.toY-arrow)})
	p.write(x.toX-labelGap, x.fromY-4, x.label, 12, c, draw.XRight)
}

// rgb reads a colour of the layout such as #D5EBD3.
func rgb(hex string) color.Color {
	n, _ := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
}
