package space

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// MarshalJSON writes {"schema":"zos-ort/genotype","version":1,"normal":[["sep_conv_3x3",0],...],
// "reduce":[...]} with eight pairs each. An invalid genotype is an error.
func (g Genotype) MarshalJSON() ([]byte, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	return g.text(), nil
}

// UnmarshalJSON reads what MarshalJSON writes and validates it.
func (g *Genotype) UnmarshalJSON(data []byte) error {
	var genes [2][]named
	err := readObject("genotype", data,
		field{key: "normal", into: &genes[Normal]}, field{key: "reduce", into: &genes[Reduce]})
	if err != nil {
		return err
	}
	var read Genotype
	for _, t := range CellTypes {
		if err := readGenes(read.cell(t), genes[t], t); err != nil {
			return fmt.Errorf("genotype: %w", err)
		}
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*g = read
	return nil
}

func readGenes(dst *[2 * Nodes]Gene, list []named, t CellType) error {
	if len(list) != len(dst) {
		return fmt.Errorf("a cell has %d genes, got %d (%v)", len(dst), len(list), t)
	}
	for i, n := range list {
		dst[i].Op = n.op
		if err := decode(n.value, &dst[i].Source); err != nil {
			return fmt.Errorf("the source of %v is not a whole number: %w (%s)",
				n.op, err, nodePlace(t, i/2))
		}
	}
	return nil
}

// text is the JSON form with a node per line.
func (g Genotype) text() []byte {
	var b bytes.Buffer
	header(&b, "genotype")
	for _, t := range CellTypes {
		fmt.Fprintf(&b, ",\n  %q: [", t.String())
		genes := g.Cell(t)
		for node := range Nodes {
			b.WriteString(listComma(node))
			first, second := genes[2*node], genes[2*node+1]
			fmt.Fprintf(&b, "[%q, %d], [%q, %d]",
				first.Op.String(), first.Source, second.Op.String(), second.Source)
		}
		b.WriteString("\n  ]")
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// ReadGenotype reads a genotype file in any form that FindGenotype knows.
func ReadGenotype(path string) (Genotype, error) { return ReadGenotypeNamed(path, "") }

// ReadGenotypeNamed reads the genotype of a name in a file; an empty name takes the only one.
func ReadGenotypeNamed(path, name string) (Genotype, error) {
	path, data, err := readText(path, "genotype.json")
	if err != nil {
		return Genotype{}, fmt.Errorf("genotype: %w", err)
	}
	g, err := FindGenotype(data, name)
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
