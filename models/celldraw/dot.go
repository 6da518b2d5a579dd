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
)

func lookOf(p space.Primitive) look {
	switch p {
	case space.MaxPool3x3, space.AvgPool3x3:
		return pooling
	case space.SepConv3x3, space.SepConv5x5:
		return separable
	case space.DilConv3x3, space.DilConv5x5:
		return dilated
	}
	return skip
}

// Fill colours of the nodes.
const (
	inputFill  = "#D5EBD3"
	nodeFill   = "#D8E6F5"
	outputFill = "#F7EBC3"
)

// DOT draws a cell from left to right: the two inputs c_{k-2} and c_{k-1}, the nodes 0 to 3, the
// output c_{k}, and on every edge its operation. The name is the title. The genes must be those of
// a valid genotype.
func DOT(name string, genes [2 * space.Nodes]space.Gene) string {
	g := dot.NewGraph(dot.Directed)
	g.Attrs("rankdir", "LR", "label", name, "labelloc", "t", "fontname", font, "fontsize", "18",
		"nodesep", "0.35", "ranksep", "0.8", "bgcolor", "white", "pad", "0.2")
	states := declareStates(g)
	for i, gene := range genes {
		l := lookOf(gene.Op)
		// Spaces keep the label off the arrow, which Graphviz does not.
		g.Edge(states[gene.Source], states[2+i/2], " "+gene.Op.String()+" ").
			Attrs("color", l.color, "fontcolor", l.color, "style", l.style, "penwidth", l.width,
				"fontname", font, "fontsize", "12", "arrowsize", "0.8")
	}
	out := declare(g, "output", "c_{k}", outputFill)
	for _, s := range states[2:] {
		g.Edge(s, out).Attrs("color", toOutput.color, "arrowsize", "0.6")
	}
	return g.String()
}

const font = "Helvetica"

// declareStates makes the nodes that genes read, by the number of their state. The keys sort in
// this order, and so does the file.
func declareStates(g *dot.Graph) []dot.Node {
	states := []dot.Node{
		declare(g, "input0", "c_{k-2}", inputFill),
		declare(g, "input1", "c_{k-1}", inputFill),
	}
	for i := range space.Nodes {
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
