package celldraw

import (
	"fmt"
	"strings"

	"zos-ort/models/space"
)

// Text is a cell for a terminal: a line for every node, with what it adds up.
//
//	node 2 = sep_conv_3x3(c_{k-1}) + skip_connect(c_{k-2})
func Text(genes [2 * space.Nodes]space.Gene) string {
	var b strings.Builder
	for node := range space.Nodes {
		first, second := genes[2*node], genes[2*node+1]
		fmt.Fprintf(&b, "  node %d = %v(%s) + %v(%s)\n", node, first.Op, state(first.Source), second.Op, state(second.Source))
	}
	b.WriteString("  c_{k} joins the four nodes")
	return b.String()
}

func state(i int) string {
	if i < 2 {
		return []string{"c_{k-2}", "c_{k-1}"}[i]
	}
	return fmt.Sprintf("node %d", i-2)
}
