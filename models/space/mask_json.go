package space

import (
	"bytes"
	"fmt"
)

// MarshalJSON writes {"schema":"zos-ort/mask","version":1,"normal":[...],"reduce":[...]} with a
// list of operation names for every edge. A space other than DARTS stands before them, as "space".
func (m Mask) MarshalJSON() ([]byte, error) {
	for t, e := range m.Places() {
		if m.sets[t][e].Empty() {
			return nil, fmt.Errorf("mask: %w (%s)", errEmptySet, edgePlace(t, e))
		}
	}
	return m.text(), nil
}

// UnmarshalJSON reads what MarshalJSON writes. It checks names and structure but
// not whether a genotype can be derived: that is Validate.
func (m *Mask) UnmarshalJSON(data []byte) error {
	var lists [2][][]string
	s, err := readObject("mask", data, func(s *Space) []field { return byType(s, &lists, CellType.String, false) })
	if err != nil {
		return err
	}
	read, err := s.ParseMask(lists)
	if err == nil {
		*m = read
	}
	return err
}

// text is the JSON form with one edge per line, for people who read and edit mask files.
func (m Mask) text() []byte {
	var b bytes.Buffer
	header(&b, "mask", m.Space())
	for _, t := range m.Space().types {
		fmt.Fprintf(&b, ",\n  %q: [", t.String())
		for e := range m.Sets(t) {
			b.WriteString(listComma(e) + "[")
			for i, p := range m.Primitives(t, e) {
				if i > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "%q", p.String())
			}
			b.WriteString("]")
		}
		b.WriteString("\n  ]")
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// header opens the JSON object of a kind of file; keys follow with a comma before them.
func header(b *bytes.Buffer, kind string, s *Space) {
	fmt.Fprintf(b, "{\n  \"schema\": %q,\n  \"version\": %d", schemaPrefix+kind, schemaVersion)
	if s != DARTS {
		text, _ := s.MarshalJSON() // of a name, or a document that was read
		fmt.Fprintf(b, ",\n  \"space\": %s", text)
	}
}

// listComma starts line i of a list.
func listComma(i int) string {
	if i == 0 {
		return "\n    "
	}
	return ",\n    "
}

// ReadMask reads a mask file and checks that it can be searched.
func ReadMask(path string) (Mask, error) {
	path, data, err := readText(path, "mask.json")
	if err != nil {
		return Mask{}, fmt.Errorf("mask: %w", err)
	}
	var m Mask
	// Not json.Unmarshal, which would put its own words before ours.
	if err = m.UnmarshalJSON(data); err == nil {
		err = m.Validate()
	}
	if err != nil {
		return Mask{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// WriteMask writes a mask that Validate accepts to a file, replacing it as a whole.
func WriteMask(path string, m Mask) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := writeFile(path, m.text()); err != nil {
		return fmt.Errorf("mask: %w", err)
	}
	return nil
}
