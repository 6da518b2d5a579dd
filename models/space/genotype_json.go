package space

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// MarshalJSON writes {"schema":"zos-ort/genotype","version":1,"normal":[["sep_conv_3x3",0],...],
// "reduce":[...]} with a pair for every gene. A space other than DARTS stands before them, as "space". An invalid genotype is an error.
func (g Genotype) MarshalJSON() ([]byte, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	return g.text(), nil
}

// UnmarshalJSON reads what MarshalJSON writes and validates it.
func (g *Genotype) UnmarshalJSON(data []byte) error {
	var genes [2][]named
	s, err := readObject("genotype", data, func(s *Space) []field { return byType(s, &genes, CellType.String, false) })
	if err != nil {
		return err
	}
	read := s.Genotype()
	for _, t := range s.types {
		if err := s.readGenes(read.cell(t), genes[t], t); err != nil {
			return fmt.Errorf("genotype: %w", err)
		}
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*g = read
	return nil
}

func (s *Space) readGenes(dst []Gene, list []named, t CellType) (err error) {
	if len(list) != len(dst) {
		return fmt.Errorf("a cell has %d genes, got %d (%v)", len(dst), len(list), t)
	}
	for i, n := range list {
		if dst[i].Op, err = s.Operation(n.name); err != nil {
			return err
		}
		if err := decode(n.value, &dst[i].Source); err != nil {
			return fmt.Errorf("the source of %v is not a whole number: %w (%s)",
				n.name, err, nodePlace(t, s.NodeOf(i)))
		}
	}
	return nil
}

// text is the JSON form with a node per line.
func (g Genotype) text() []byte {
	var b bytes.Buffer
	header(&b, "genotype", g.Space())
	for _, t := range g.Space().types {
		fmt.Fprintf(&b, ",\n  %q: [", t.String())
		for node := range g.Space().nodes {
			b.WriteString(listComma(node))
			for i, gene := range g.Node(t, node) {
				if i > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "[%q, %d]", gene.Op.String(), gene.Source)
			}
		}
		b.WriteString("\n  ]")
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// ReadGenotype reads a genotype file of DARTS, or one that names its space, in any form that FindGenotype knows.
func ReadGenotype(path string) (Genotype, error) { return DARTS.ReadGenotype(path, "") }

// ReadGenotype reads the genotype of a name in a file; an empty name takes the only one. Text that does not name
// its space is of this one.
func (s *Space) ReadGenotype(path, name string) (Genotype, error) {
	path, data, err := readText(path, "genotype.json")
	if err != nil {
		return Genotype{}, fmt.Errorf("genotype: %w", err)
	}
	g, err := s.FindGenotype(data, name)
	if err != nil {
		return Genotype{}, fmt.Errorf("%s: %w", path, err)
	}
	return g, nil
}

// WriteGenotype writes the JSON form to a file, replacing it as a whole.
func WriteGenotype(path string, g Genotype) error {
	if err := g.Validate(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := writeFile(path, g.text()); err != nil {
		return fmt.Errorf("genotype: %w", err)
	}
	return nil
}

var (
	_ json.Unmarshaler = (*Genotype)(nil)
	_ json.Unmarshaler = (*Mask)(nil)
	_ json.Unmarshaler = (*Alphas)(nil)
)
