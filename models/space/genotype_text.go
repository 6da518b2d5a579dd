package space

import (
	"fmt"
	"slices"
	"strings"
)

// Joined are the states that the output of a cell is made of.
func (s *Space) Joined() (states []int) {
	first := s.inputs
	if s.output == Last {
		first += s.nodes - 1
	}
	for state := first; state < s.inputs+s.nodes; state++ {
		states = append(states, state)
	}
	return states
}

// String is the form that DARTS and its followers print and paste, a Python expression:
//
//	Genotype(normal=[('sep_conv_3x3', 1), ...], normal_concat=range(2, 6), reduce=[...], ...)
//
// Cells that keep all their edges, and of which there is one kind, have the form of NAS-Bench-201.
func (g Genotype) String() string {
	if g.Space().hasBars() {
		return g.bars()
	}
	var b strings.Builder
	b.WriteString("Genotype(")
	concat := g.Space().Joined()
	for _, t := range g.Space().types {
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
		fmt.Fprintf(&b, "], %v_concat=range(%d, %d)", t, concat[0], concat[len(concat)-1]+1)
	}
	b.WriteString(")")
	return b.String()
}

// ParseGenotype reads the form that String writes. White space, line breaks, comments, commas before a
// closing bracket, either kind of quotes, tuples for lists, [2, 3, 4, 5] or list(range(2, 6)) for the
// range and a leading "NAME =" are accepted, as they occur in published files; the arguments can come in
// any order. The genotype is validated.
func (s *Space) ParseGenotype(text string) (Genotype, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "|") {
		return s.parseBars(text)
	}
	in := &scanner{text: text, space: s}
	g, err := in.genotype()
	if err == nil {
		err = in.end()
	}
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
	if !slices.Contains([]string{"Genotype", "DARTSGenotype"}, name) { // confopt's has the second name
		return g, fmt.Errorf("starts with %q, want Genotype(", name)
	}
	g = s.space.Genotype()
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
	for _, t := range s.space.types {
		for _, key := range []string{t.String(), t.String() + "_concat"} {
			if !seen[key] {
				return g, fmt.Errorf("argument %q is missing", key)
			}
		}
	}
	return g, nil
}

func (s *scanner) argument(g *Genotype, key string) error {
	if err := s.expect("="); err != nil {
		return err
	}
	for _, t := range s.space.types {
		switch key {
		case t.String():
			return s.genes(g.cell(t), t)
		case t.String() + "_concat":
			return s.concat(t)
		}
	}
	return fmt.Errorf("unknown argument %q", key)
}

func (s *scanner) genes(genes []Gene, t CellType) error {
	n := 0
	err := s.sequence(func(i int) error {
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
	right := "]"
	if !s.accept("[") {
		right = ")"
		if err = s.expect("("); err != nil {
			return gene, err
		}
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
	return gene, s.expect(right)
}

// naslibConcat are the states that NASLib writes for this space, though its cells join those of concat.
var naslibConcat = [2][]int{Normal: {2, 3, 4, 5, 6}, Reduce: {4, 5, 6}}

// concat reads range(2, 6), [2, 3, 4, 5], or either inside of list() or tuple().
func (s *scanner) concat(t CellType) error {
	numbers, err := s.integers(t)
	concat := s.space.Joined()
	if err != nil || slices.Equal(numbers, concat) || s.space == DARTS && slices.Equal(numbers, naslibConcat[t]) {
		return err
	}
	return fmt.Errorf("%v_concat: a cell joins the states %d to %d, got %v", t, concat[0], concat[len(concat)-1], numbers)
}

func (s *scanner) integers(t CellType) (numbers []int, err error) {
	number := func(int) error {
		n, err := s.integer()
		numbers = append(numbers, n)
		return err
	}
	switch word := s.word(); word {
	case "":
		return numbers, s.sequence(number)
	case "list", "tuple":
		if err := s.expect("("); err != nil {
			return nil, err
		}
		if numbers, err = s.integers(t); err != nil {
			return nil, err
		}
		return numbers, s.expect(")")
	case "range":
		if err := s.list("(", ")", number); err != nil {
			return nil, err
		}
		if len(numbers) != 2 || numbers[1] > 2+MaxNodes {
			return numbers, nil // concat reports them
		}
		from, to := numbers[0], numbers[1]
		numbers = nil
		for n := from; n < to; n++ {
			numbers = append(numbers, n)
		}
		return numbers, nil
	default:
		return nil, fmt.Errorf("%v_concat is %q, want range(%d, %d)", t, word, s.space.Joined()[0], s.space.inputs+s.space.nodes)
	}
}
