package celldraw

import (
	"fmt"
	"strings"

	"zos-ort/models/space"
)

// Text is a cell for a terminal: a line for every node, with what it adds up.
//
//	node 2 = sep_conv_3x3(c_{k-1}) + skip_connect(c_{k-2})
func Text(g space.Genotype, t space.CellType) string {
	var b strings.Builder
	s := g.Space()
	for node := range s.Nodes() {
		var terms []string
		for _, gene := range g.Node(t, node) {
			if gene.Op != space.None {
				terms = append(terms, fmt.Sprintf("%v(%s)", gene.Op, state(s, gene.Source)))
			}
		}
		if len(terms) == 0 {
			terms = []string{"zeros"}
		}
		fmt.Fprintf(&b, "  node %d = %s\n", node, strings.Join(terms, " + "))
	}
	return b.String() + "  " + output(s)
}

// output says what the output of a cell is.
func output(s *space.Space) string {
	switch s.Output() {
	case space.Last:
		return fmt.Sprintf("c_{k} is node %d", s.Nodes()-1)
	case space.Sum:
		return "c_{k} is the sum of the nodes"
	}
	return fmt.Sprintf("c_{k} joins the %s nodes", word(s.Nodes()))
}

// word is a small number.
func word(n int) string {
	words := []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight"}
	if n < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}

// state names a state: an input of the cell, or a node.
func state(s *space.Space, i int) string {
	if i < s.Inputs() {
		return fmt.Sprintf("c_{k-%d}", s.Inputs()-i)
	}
	return fmt.Sprintf("node %d", i-s.Inputs())
}

// SpaceText is the cell of a space for a terminal: a line for every node, with what it reads, and one for the output.
func SpaceText(s *space.Space) (lines []string) {
	for node := range s.Nodes() {
		lo, hi := s.NodeEdges(node)
		var from []string
		for e := lo; e < hi; e++ {
			from = append(from, state(s, s.EdgeAt(e).Source))
		}
		keeps := "keeps all"
		if n := s.Takes(node); n < hi-lo {
			keeps = fmt.Sprintf("keeps %d", n)
		}
		lines = append(lines, fmt.Sprintf("node %d reads %s; %s", node, strings.Join(from, ", "), keeps))
	}
	return append(lines, output(s))
}
