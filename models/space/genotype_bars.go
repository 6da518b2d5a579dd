package space

import (
	"fmt"
	"strings"
)

// hasBars says whether genotypes have the form of NAS-Bench-201: one kind of cell, which keeps all its edges.
func (s *Space) hasBars() bool { return len(s.types) == 1 && s.KeepsAll() }

// bars is the form of NAS-Bench-201: |nor_conv_3x3~0|+|skip_connect~0|none~1|+..., node by node, each operation with
// the state that it reads.
func (g Genotype) bars() string {
	var nodes []string
	for node := range g.Space().nodes {
		text := "|"
		for _, gene := range g.Node(Normal, node) {
			text += fmt.Sprintf("%v~%d|", gene.Op, gene.Source)
		}
		nodes = append(nodes, text)
	}
	return strings.Join(nodes, "+")
}

// parseBars reads that form. A text that is not of a space with it is taken for one of NAS-Bench-201.
func (s *Space) parseBars(text string) (Genotype, error) {
	if s == DARTS {
		s = shipped("nb201")
	}
	if !s.hasBars() {
		return Genotype{}, fmt.Errorf("genotype: %s has no genotypes of the form |operation~state|+..., as NAS-Bench-201 has", s.name)
	}
	in := &scanner{text: text, space: s}
	g := s.Genotype()
	for node := range s.nodes {
		if node > 0 {
			if err := in.expect("+"); err != nil {
				return Genotype{}, fmt.Errorf("genotype: %w (node %d)", err, node)
			}
		}
		if err := in.bar(g.node(Normal, node)); err != nil {
			return Genotype{}, fmt.Errorf("genotype: %w (node %d)", err, node)
		}
	}
	if err := in.end(); err != nil {
		return Genotype{}, fmt.Errorf("genotype: %w", err)
	}
	return g, g.Validate()
}

func (s *scanner) bar(genes []Gene) (err error) {
	if err := s.expect("|"); err != nil {
		return err
	}
	for i := range genes {
		if genes[i].Op, err = s.space.Operation(s.word()); err != nil {
			return err
		}
		if err := s.expect("~"); err != nil {
			return err
		}
		if genes[i].Source, err = s.integer(); err != nil {
			return err
		}
		if err := s.expect("|"); err != nil {
			return err
		}
	}
	return nil
}
