package space

import (
	"fmt"
	"strings"
)

// Describe is the network of a size as a line: stem, cells by stage, head.
func (s *Space) Describe(size Size) string {
	parts := []string{fmt.Sprintf("stem of %d channels", s.skeleton.Stem*size.Channels)}
	run, last := 0, 0
	flush := func() {
		if run > 0 {
			parts = append(parts, fmt.Sprintf("%s of %d", counted(run, "normal cell"), last))
		}
		run = 0
	}
	for i := range size.Cells {
		c := s.ChannelsAt(i, size.Cells, size.Channels)
		if s.Reduces(i, size.Cells) {
			flush()
			kind := "reduction cell"
			if s.skeleton.Residual {
				kind = "residual reduction"
			}
			parts = append(parts, fmt.Sprintf("%s to %d", kind, c))
		}
		if s.TypeAt(i, size.Cells) == Normal {
			run++
		}
		last = c
	}
	flush()
	head := "average pooling, linear"
	if s.skeleton.Normalised {
		head = "batch norm, ReLU, " + head
	}
	return strings.Join(append(parts, head), " → ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
