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
	column      = 136. // from node to node
	inputWidth  = 72.
	nodeWidth   = 48.
	laneHeight  = 22.
	rowGap      = 20.
	entry       = 11. // from the middle of a node to where a gene enters it
	labelGap    = 12. // from the corner of a lane to its label
)

// toOutput is how the lines to the output look.
var toOutput = look{color: "#B0B0B0", style: "solid", width: "1.2"}

// arrange places a cell.
func arrange(genes [2 * space.Nodes]space.Gene) (l layout) {
	const states = 2 + space.Nodes
	out := margin + inputWidth + column*(space.Nodes+1) - nodeWidth
	y := titleHeight
	for s := range states {
		from := genesFrom(genes, s)
		lanes := len(from)
		if s >= 2 {
			lanes++ // to the output
		}
		b := box{x: margin, y: y, width: inputWidth, height: laneHeight * float64(max(2, lanes)),
			label: fmt.Sprintf("c_{k-%d}", 2-s), fill: inputFill}
		if s >= 2 {
			b.x, b.width, b.label, b.fill = columnOf(s-2)-nodeWidth/2, nodeWidth, fmt.Sprint(s-2), nodeFill
		}
		l.boxes = append(l.boxes, b)
		y += b.height + rowGap
	}
	l.width, l.height = out+inputWidth+margin, y-rowGap+margin
	first := l.boxes[2].y
	l.boxes = append(l.boxes, box{out, first, inputWidth, l.height - margin - first, "c_{k}", outputFill})
	for s := range states {
		l.leave(genes, s, out)
	}
	return l
}

// columnOf is the middle of a node's column.
func columnOf(node int) float64 { return margin + inputWidth + column*float64(node+1) - nodeWidth/2 }

// genesFrom are the genes that read a state, the farthest first: a lane that turns earlier is below and crosses none.
func genesFrom(genes [2 * space.Nodes]space.Gene, state int) (list []int) {
	for i, g := range slices.Backward(genes[:]) {
		if g.Source == state {
			list = append(list, i)
		}
	}
	return list
}

// leave draws the lanes of a state's row: that to the output on top, then its genes.
func (l *layout) leave(genes [2 * space.Nodes]space.Gene, state int, out float64) {
	b := l.boxes[state]
	from := genesFrom(genes, state)
	n := len(from)
	if state >= 2 {
		n++
	}
	x, y := b.x+b.width, b.y+(b.height-laneHeight*float64(n))/2+laneHeight/2+4
	if state >= 2 {
		l.lanes = append(l.lanes, lane{fromX: x, fromY: y, toX: out, toY: y, look: toOutput})
		y += laneHeight
	}
	for _, i := range from {
		node, other := i/2, genes[i^1]
		at := columnOf(node) + entry // of two genes the one from farther up enters on the right, and is not crossed
		if g := genes[i]; g.Source > other.Source || g.Source == other.Source && i%2 == 0 {
			at = columnOf(node) - entry
		}
		l.lanes = append(l.lanes, lane{fromX: x, fromY: y, toX: at, toY: l.boxes[2+node].y, turns: true, gene: i,
			label: genes[i].Op.String(), look: lookOf(genes[i].Op)})
		y += laneHeight
	}
}
