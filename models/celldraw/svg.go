package celldraw

import (
	"bytes"
	"fmt"

	svg "github.com/ajstarks/svgo/float"

	"zos-ort/models/space"
)

// SVG draws a cell of a valid genotype from left to right, with a title if there is one. Genes with none are not drawn.
// For pages that style and point at it, the background has the class paper, boxes the class node, and the edge of
// gene 3 the classes edge, gene3 and that of its family.
func SVG(title string, g space.Genotype, t space.CellType) []byte { return arrange(g, t).svg(title) }

// SpaceSVG draws a cell of the whole space: every edge with its number of operations.
func SpaceSVG(title string, s *space.Space, t space.CellType) []byte { return ofSpace(s, t).svg(title) }

func ofSpace(s *space.Space, t space.CellType) layout {
	d := drawing{space: s}
	for e, set := range s.FullMask().Sets(t) {
		at := s.EdgeAt(e)
		label := fmt.Sprintf("%d operations", set.Len())
		if ops := s.Members(set); len(ops) == 1 {
			label = ops[0].String()
		}
		d.edges = append(d.edges, edge{e, at.Node, at.Source, label, separable})
	}
	return d.arrange()
}

func (l layout) svg(title string) []byte {
	var out bytes.Buffer
	c := svg.New(&out)
	c.Decimals = 1
	c.Startview(l.width, l.height, 0, 0, l.width, l.height)
	c.Rect(0, 0, l.width, l.height, `class="paper"`, `fill="white"`)
	if title != "" {
		c.Text(l.width/2, titleHeight-14, title, text("middle", 18, "black"))
	}
	for _, x := range l.lanes {
		drawLane(c, x)
	}
	for _, b := range l.boxes {
		c.Group(`class="node"`)
		c.Roundrect(b.x, b.y, b.width, b.height, 8, 8, fmt.Sprintf(`fill="%s" stroke="#606060"`, b.fill))
		c.Text(b.x+b.width/2, b.y+b.height/2+6, b.label, text("middle", 16, "black"))
		c.Gend()
	}
	c.End()
	return out.Bytes()
}

// text are the attributes of a text whose middle or end is at its position.
func text(anchor string, size int, color string) string {
	return fmt.Sprintf(`text-anchor="%s" font-family="%s,sans-serif" font-size="%d" fill="%s"`, anchor, font, size, color)
}

// arrow is the length of an arrow's head; half of it, its width to either side.
const arrow = 9.

// bend is the radius of a lane's corner.
const bend = 8.

// drawLane draws a lane with its arrow and its label, in the look of its operation.
func drawLane(c *svg.SVG, x lane) {
	style := fmt.Sprintf(`fill="none" stroke="%s" stroke-width="%s"`, x.look.color, x.look.width)
	if d := dashes[x.look.style]; d != "" {
		style += fmt.Sprintf(` stroke-dasharray="%s"`, d)
	}
	head := fmt.Sprintf(`fill="%s"`, x.look.color)
	xs, ys := x.head()
	if !x.turns {
		c.Group(`class="edge output"`)
		c.Path(fmt.Sprintf("M%.1f,%.1f H%.1f", x.fromX, x.fromY, x.toX-arrow), style)
		c.Polygon(xs, ys, head)
		c.Gend()
		return
	}
	c.Group(fmt.Sprintf(`class="edge gene%d %s"`, x.gene, x.look.name))
	c.Path(fmt.Sprintf("M%.1f,%.1f H%.1f Q%.1f,%.1f %.1f,%.1f V%.1f", x.fromX, x.fromY, x.toX-bend, x.toX, x.fromY,
		x.toX, x.fromY+bend, x.toY-arrow), style)
	c.Polygon(xs, ys, head)
	c.Text(x.toX-labelGap, x.fromY-4, x.label, text("end", 12, x.look.color))
	c.Gend()
}

// dashes are the patterns of the line styles that Graphviz names.
var dashes = map[string]string{"solid": "", "dashed": "7,4", "dotted": "2,4"}
