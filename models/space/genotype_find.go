package space

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// FindGenotype reads the genotype in the content of a file, in any form that people have: this program's
// JSON, Python text anywhere in a file or a log, NASLib's compact tuples, NNI's and NAS-Bench-301's JSON,
// NAS-Bench-201's text (see Forms). Text that does not name its space is of this one. Of several assignments the
// name chooses; of several to one name the last one counts, as in Python. UTF-16 and byte order marks are understood.
func (s *Space) FindGenotype(content []byte, name string) (Genotype, error) {
	text := strings.TrimSpace(decodeText(content))
	if text == "" || !strings.Contains("{([|", text[:1]) {
		return s.pythonGenotype(text, name)
	}
	if name != "" {
		return Genotype{}, fmt.Errorf("genotype: the file holds one genotype without a name, not %q", name)
	}
	switch text[0] {
	case '{':
		return parseObject(text)
	case '|':
		return s.parseBars(text)
	}
	return parseCompact(text)
}

// decodeText gives UTF-8 without a byte order mark. UTF-16 without a mark shows by its zero bytes: the first
// character of every form is an ASCII one.
func decodeText(b []byte) string {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		b, order = b[2:], binary.LittleEndian
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		b, order = b[2:], binary.BigEndian
	case len(b) >= 2 && b[1] == 0:
		order = binary.LittleEndian
	case len(b) >= 2 && b[0] == 0:
		order = binary.BigEndian
	default:
		return string(bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF")))
	}
	return fromUTF16(b, order)
}

var (
	// calls are where genotypes are made, with the name that they are assigned to.
	calls = regexp.MustCompile(`(?:(\w+)[ \t]*=[ \t]*)?\b(?:DARTS)?Genotype\((?:\s|#[^\n]*\n)*(?:normal|reduce)(?:_concat)?\s*=`)
	// aliases are assignments of one name to another.
	aliases = regexp.MustCompile(`(?m)^(\w+)[ \t]*=[ \t]*(\w+)[ \t]*(?:#.*)?\r?$`)
)

// found is a genotype in a text.
type found struct {
	name string
	at   int // where the call begins
}

// pythonGenotype looks for genotypes in a text around them. A text without any is read as one, for its error.
func (s *Space) pythonGenotype(text, name string) (Genotype, error) {
	var list []found
	var names []string
	for _, m := range calls.FindAllStringSubmatchIndex(text, -1) {
		line := text[strings.LastIndexByte(text[:m[0]], '\n')+1 : m[0]]
		if strings.Contains(line, "#") {
			continue
		}
		f := found{at: m[0]}
		if m[2] >= 0 {
			f.name = text[m[2]:m[3]]
		}
		if list = append(list, f); !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	if len(list) == 0 {
		return s.ParseGenotype(text)
	}
	if name == "" && len(names) > 1 {
		return Genotype{}, fmt.Errorf("genotype: the file holds %d genotypes, choose one by its name (--name): %s",
			len(names), strings.Join(names, ", "))
	}
	chosen, err := choose(list, resolveAlias(text, cmp.Or(name, list[0].name)))
	if err != nil {
		return Genotype{}, fmt.Errorf("%w; it holds %s", err, strings.Join(names, ", "))
	}
	if len(list) == 1 && chosen.at == 0 && !strings.Contains(text, "\n") {
		return s.ParseGenotype(text) // nothing may follow it
	}
	in := &scanner{text: text, at: chosen.at, space: s}
	g, err := in.genotype()
	if err != nil {
		return Genotype{}, fmt.Errorf("genotype: %w", err)
	}
	return g, g.Validate()
}

// choose takes the last genotype of a name.
func choose(list []found, name string) (found, error) {
	for _, f := range slices.Backward(list) {
		if f.name == name {
			return f, nil
		}
	}
	return found{}, fmt.Errorf("genotype: the file holds none with the name %q", name)
}

// resolveAlias follows assignments such as DARTS = DARTS_V2.
func resolveAlias(text, name string) string {
	for _, m := range aliases.FindAllStringSubmatch(text, -1) {
		if m[1] == name {
			return m[2]
		}
	}
	return name
}
