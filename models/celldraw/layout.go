package celldraw

import (
	"fmt"
	"slices"

	"zos-ort/models/space"
)

// layout is a cell as a staircase: every node has a row and a column of its own. A gene leaves its source to the
// right, in a lane of the source's row, and turns down in the column of its node. So no line meets a box that is not
// its own, no lane covers another, and labels have a place.
type layout struct {
	width, height float64
	boxes         []box
	lanes         []lane
}

// box is an input, a node or the output.
type box struct {
	x, y, width, height float64
	label, fill         string
}

// lane is a line to the right that ends there or, if it turns, below.
type lane struct {
	fromX, fromY, toX, toY float64
	turns                  bool
	gene                   int // of a lane that turns
	label                  string
	look                   look
}

// head are the corners of the arrow at the end of a lane.
func (x lane) head() (xs, ys []float64) {
	if x.turns {
		return []float64{x.toX - arrow/2, x.toX, x.toX + arrow/2}, []float64{x.toY - arrow, x.toY, x.toY - arrow}
	}
	return []float64{x.toX - arrow, x.toX, x.toX - arrow}, []float64{x.toY - arrow/2, x.toY, x.toY + arrow/2}
}

// Sizes in pixels.
const (
	margin      = 20.
	titleHeight = 48.
	column      = 136. // from node to node, with labels of 12 characters and two entries
	inputWidth  = 72.
	nodeWidth   = 48.
	laneHeight  = 22.
	rowGap      = 20.
	entry       = 11. // from the middle of a node to where a gene enters it
	labelGap    = 12. // from the corner of a lane to its label
)

// toOutput is how the lines to the output look.
var toOutput = look{color: "#B0B0B0", style: "solid", width: "1.2"}

// arrange places a cell of a genotype.
func arrange(g space.Genotype, t space.CellType) layout {
	d := drawing{space: g.Space()}
	for i, gene := range g.Cell(t) {
		if gene.Op != space.None {
			d.edges = append(d.edges, edge{i, d.space.NodeOf(i), gene.Source, gene.Op.String(), lookOf(gene.Op)})
		}
	}
	return d.arrange()
}

// drawing is a cell that is drawn.
type drawing struct {
	space *space.Space
	edges []edge
}

// edge is a lane to be.
type edge struct {
	number       int
	node, source int
	label        string
	look         look
}

func (d drawing) arrange() (l layout) {
	inputs, states := d.space.Inputs(), d.space.Inputs()+d.space.Nodes()
	out := margin + inputWidth + d.column()*float64(d.space.Nodes()+1) - nodeWidth
	y := titleHeight
	for s := range states {
		lanes := len(d.from(s))
		if d.joins(s) {
			lanes++ // to the output
		}
		b := box{x: margin, y: y, width: inputWidth, height: laneHeight * float64(max(2, lanes)), fill: inputFill,
			label: state(d.space, s)}
		if s >= inputs {
			b.x, b.width, b.label, b.fill = d.middle(s-inputs)-nodeWidth/2, nodeWidth, fmt.Sprint(s-inputs), nodeFill
		}
		l.boxes = append(l.boxes, b)
		y += b.height + rowGap
	}
	l.width, l.height = out+inputWidth+margin, y-rowGap+margin
	first := l.boxes[inputs].y
	l.boxes = append(l.boxes, box{out, first, inputWidth, l.height - margin - first, "c_{k}", outputFill})
	for s := range states {
		d.leave(&l, s, out)
	}
	return l
}

// joins says whether a state is a part of the output.
func (d drawing) joins(state int) bool { return slices.Contains(d.space.Joined(), state) }

// column is the distance of two nodes: labels and entries fit.
func (d drawing) column() float64 {
	const letter, short = 7, 12
	wide := 0.
	for _, e := range d.edges {
		wide = max(wide, letter*float64(len(e.label)-short), 0)
	}
	most := 0
	for _, e := range d.edges {
		most = max(most, d.enter(e.node))
	}
	return column + wide + spread(most) - spread(2)
}

// enter is how many edges enter a node.
func (d drawing) enter(node int) (n int) {
	for _, e := range d.edges {
		if e.node == node {
			n++
		}
	}
	return n
}

// spread is how far the entries of n edges lie from the middle of a node, at most.
func spread(n int) float64 { return min(entry*float64(max(1, n-1)), nodeWidth/2-4) }

// middle is that of a node's column.
func (d drawing) middle(node int) float64 {
	return margin + inputWidth + d.column()*float64(node+1) - nodeWidth/2
}

// from are the edges that read a state, the farthest first: a lane that turns earlier is below and crosses none.
func (d drawing) from(state int) (list []edge) {
	for _, e := range slices.Backward(d.edges) {
		if e.source == state {
			list = append(list, e)
		}
	}
	return list
}

// leave draws the lanes of a state's row: that to the output on top, then its edges.
func (d drawing) leave(l *layout, state int, out float64) {
	b := l.boxes[state]
	from := d.from(state)
	n := len(from)
	if d.joins(state) {
		n++
	}
	x, y := b.x+b.width, b.y+(b.height-laneHeight*float64(n))/2+laneHeight/2+4
	if d.joins(state) {
		l.lanes = append(l.lanes, lane{fromX: x, fromY: y, toX: out, toY: y, look: toOutput})
		y += laneHeight
	}
	for _, e := range from {
		l.lanes = append(l.lanes, lane{fromX: x, fromY: y, toX: d.middle(e.node) + d.entry(e),
			toY: l.boxes[d.space.Inputs()+e.node].y, turns: true, gene: e.number, label: e.label, look: e.look})
		y += laneHeight
	}
}

// entry is where an edge enters its node, from the middle of it. Of two edges the one from farther up enters on the
// right, and is not crossed.
func (d drawing) entry(of edge) float64 {
	rank, n := 0, d.enter(of.node)
	if n == 1 {
		return 0
	}
	for _, e := range d.edges {
		if e.node == of.node && (e.source < of.source || e.source == of.source && e.number > of.number) {
			rank++
		}
	}
	return spread(n) - 2*spread(n)*float64(rank)/float64(n-1)
}
