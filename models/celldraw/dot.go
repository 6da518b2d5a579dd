package celldraw

import (
	"fmt"

	"github.com/emicklei/dot"

	"zos-ort/models/space"
)

// look is how the edges of a family of operations are drawn. Families differ in colour and, for
// print and for the colour-blind, in line style. The colours have a contrast of at least 4.5 on
// white (WCAG 2 AA), because the labels are written in them.
type look struct {
	name  string // class of the edge in the SVG file
	color string
	style string
	width string
}

var (
	pooling   = look{name: "pooling", color: "#A14A00", style: "dashed", width: "1.6"}
	skip      = look{name: "skip", color: "#5A5A5A", style: "dotted", width: "2.2"}
	separable = look{name: "separable", color: "#0B5CAD", style: "solid", width: "1.8"}
	dilated   = look{name: "dilated", color: "#7B2D8E", style: "solid", width: "1.8"}
	plain     = look{name: "convolution", color: "#0F6B4F", style: "solid", width: "1.8"}
)

func lookOf(p space.Primitive) look {
	l := pooling
	if p.IsSkip() {
		return skip
	}
	for _, part := range p.Parts() {
		switch {
		case part.Dilation > 1:
			return dilated
		case part.Kind == space.DepthwisePart:
			l = separable
		case part.Kind == space.ConvPart || part.Kind == space.PointwisePart:
			if l == pooling {
				l = plain
			}
		}
	}
	return l
}

// Fill colours of the nodes.
const (
	inputFill  = "#D5EBD3"
	nodeFill   = "#D8E6F5"
	outputFill = "#F7EBC3"
)

// DOT draws a cell of a valid genotype from left to right: the inputs c_{k-2} and c_{k-1}, the nodes, the
// output c_{k}, and on every edge its operation. The name is the title. Genes with none are not drawn.
func DOT(name string, genotype space.Genotype, t space.CellType) string {
	s := genotype.Space()
	g := dot.NewGraph(dot.Directed)
	g.Attrs("rankdir", "LR", "label", name, "labelloc", "t", "fontname", font, "fontsize", "18",
		"nodesep", "0.35", "ranksep", "0.8", "bgcolor", "white", "pad", "0.2")
	states := declareStates(g, s)
	for i, gene := range genotype.Cell(t) {
		if gene.Op == space.None {
			continue
		}
		l := lookOf(gene.Op)
		// Spaces keep the label off the arrow, which Graphviz does not.
		g.Edge(states[gene.Source], states[s.Inputs()+s.NodeOf(i)], " "+gene.Op.String()+" ").
			Attrs("color", l.color, "fontcolor", l.color, "style", l.style, "penwidth", l.width,
				"fontname", font, "fontsize", "12", "arrowsize", "0.8")
	}
	out := declare(g, "output", "c_{k}", outputFill)
	for _, state := range s.Joined() {
		g.Edge(states[state], out).Attrs("color", toOutput.color, "arrowsize", "0.6")
	}
	return g.String()
}

const font = "Helvetica"

// declareStates makes the nodes that genes read, by the number of their state. The keys sort in
// this order, and so does the file.
func declareStates(g *dot.Graph, s *space.Space) (states []dot.Node) {
	for i := range s.Inputs() {
		states = append(states, declare(g, fmt.Sprint("input", i), state(s, i), inputFill))
	}
	for i := range s.Nodes() {
		states = append(states, declare(g, fmt.Sprintf("node%d", i), fmt.Sprint(i), nodeFill))
	}
	return states
}

func declare(g *dot.Graph, key, label, fill string) dot.Node {
	n := g.Node(key).Label(label)
	n.Attrs("shape", "box", "style", "rounded,filled", "fillcolor", fill, "color", "#606060",
		"fontname", font, "fontsize", "16", "height", "0.5", "width", "0.5", "margin", "0.13,0.06")
	return n
}
