package data

import (
	"fmt"
	"slices"

	"golang.org/x/text/unicode/norm"
)

// classIndex finds a class by its name, written in any Unicode form; -1 if there is none. An equal name
// goes before one that only looks equal.
func classIndex(classes []string, name string) int {
	if at := slices.Index(classes, name); at >= 0 {
		return at
	}
	name = norm.NFC.String(name)
	return slices.IndexFunc(classes, func(c string) bool { return norm.NFC.String(c) == name })
}

// unicodeForm says how a name is written: é is one code point or two, and looks the same.
func unicodeForm(name string) string {
	switch {
	case norm.NFC.IsNormalString(name):
		return "composed (NFC)"
	case norm.NFD.IsNormalString(name):
		return "decomposed (NFD)"
	}
	return "in neither normal form of Unicode"
}

// Relabel gives the set with the labels of other classes, matched by name in any Unicode form. It shares the
// images. A class that is none of the others is an error; the others may have more.
func (s *Set) Relabel(classes []string) (*Set, error) {
	to := make([]int32, len(s.Classes))
	var foreign []string
	for i, name := range s.Classes {
		to[i] = int32(classIndex(classes, name))
		if to[i] < 0 {
			foreign = append(foreign, name)
		}
	}
	if len(foreign) > 0 {
		return nil, fmt.Errorf("data: %d of the %d classes of %s are none of %s: %s", len(foreign),
			len(s.Classes), s.Name, someOf(classes), someOf(foreign))
	}
	out := *s
	out.Classes, out.Labels = classes, make([]int32, s.Len())
	for i, label := range s.Labels {
		out.Labels[i] = to[label]
	}
	return &out, nil
}

// someOf lists the first names, and how many more there are.
func someOf(names []string) string {
	const shown = 5
	if len(names) > shown+1 {
		return fmt.Sprintf("%q and %d more", names[:shown], len(names)-shown)
	}
	return fmt.Sprintf("%q", names)
}
