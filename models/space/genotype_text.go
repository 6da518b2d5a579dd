package space

import (
	"fmt"
	"slices"
	"strings"
)

// concat are the states that a cell joins, in every genotype of this space.
var concat = [Nodes]int{2, 3, 4, 5}

// String is the form that DARTS and its followers print and paste, a Python expression:
//
//	Genotype(normal=[('sep_conv_3x3', 1), ...], normal_concat=range(2, 6), reduce=[...], ...)
func (g Genotype) String() string {
	var b strings.Builder
	b.WriteString("Genotype(")
	for _, t := range CellTypes {
		if t == Reduce {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%v=[", t)
		for i, gene := range g.Cell(t) {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "('%v', %d)", gene.Op, gene.Source)
		}
		fmt.Fprintf(&b, "], %v_concat=range(%d, %d)", t, concat[0], concat[Nodes-1]+1)
	}
	b.WriteString(")")
	return b.String()
}

// ParseGenotype reads the form that String writes. White space, line breaks, commas before a
// closing bracket, either kind of quotes, [2, 3, 4, 5] for the range and a leading "NAME =" are
// accepted, as they occur in published files; the arguments can come in any order. The genotype is
// validated.
func ParseGenotype(text string) (Genotype, error) {
	s := &scanner{text: text}
	g, err := s.genotype()
	if err != nil {
		return Genotype{}, fmt.Errorf("genotype: %w", err)
	}
	return g, g.Validate()
}

func (s *scanner) genotype() (g Genotype, err error) {
	name := s.word()
	if s.accept("=") {
		name = s.word()
	}
	if name != "Genotype" {
		return g, fmt.Errorf("starts with %q, want Genotype(", name)
	}
	seen := map[string]bool{}
	err = s.list("(", ")", func(int) error {
		key := s.word()
		if seen[key] {
			return fmt.Errorf("argument %q appears twice", key)
		}
		seen[key] = true
		return s.argument(&g, key)
	})
	if err != nil {
		return g, err
	}
	for _, t := range CellTypes {
		for _, key := range []string{t.String(), t.String() + "_concat"} {
			if !seen[key] {
				return g, fmt.Errorf("argument %q is missing", key)
			}
		}
	}
	return g, s.end()
}

func (s *scanner) argument(g *Genotype, key string) error {
	if err := s.expect("="); err != nil {
		return err
	}
	for _, t := range CellTypes {
		switch key {
		case t.String():
			return s.genes(g.cell(t), t)
		case t.String() + "_concat":
			return s.concat(t)
		}
	}
	return fmt.Errorf("unknown argument %q", key)
}

func (s *scanner) genes(genes *[2 * Nodes]Gene, t CellType) error {
	n := 0
	err := s.list("[", "]", func(i int) error {
		n = i + 1
		gene, err := s.gene()
		if err == nil && i < len(genes) {
			genes[i] = gene
		}
		return err
	})
	if err == nil && n != len(genes) {
		err = fmt.Errorf("a cell has %d genes, got %d (%v)", len(genes), n, t)
	}
	return err
}

func (s *scanner) gene() (gene Gene, err error) {
	if err = s.expect("("); err != nil {
		return gene, err
	}
	if gene.Op, err = s.primitive(); err != nil {
		return gene, err
	}
	if err = s.expect(","); err != nil {
		return gene, err
	}
	if gene.Source, err = s.integer(); err != nil {
		return gene, err
	}
	s.accept(",")
	return gene, s.expect(")")
}

// concat reads range(2, 6) or [2, 3, 4, 5].
func (s *scanner) concat(t CellType) error {
	var numbers []int
	number := func(int) error {
		n, err := s.integer()
		numbers = append(numbers, n)
		return err
	}
	if word := s.word(); word == "range" {
		if err := s.list("(", ")", number); err != nil {
			return err
		}
		if slices.Equal(numbers, []int{concat[0], concat[Nodes-1] + 1}) {
			return nil
		}
	} else if word != "" {
		return fmt.Errorf("%v_concat is %q, want range(2, 6)", t, word)
	} else {
		if err := s.list("[", "]", number); err != nil {
			return err
		}
		if slices.Equal(numbers, concat[:]) {
			return nil
		}
	}
	return fmt.Errorf("%v_concat: a cell joins the states 2 to 5, got %v", t, numbers)
}
