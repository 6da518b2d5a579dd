package pass

import (
	"slices"
	"testing"

	"zos-ort/graphgen/check"
)

// The passes stand in an order that obeys every constraint, and every constraint names two of them.
func TestPassOrder(t *testing.T) {
	var names []string
	for _, p := range slices.Concat(forward, finished) {
		if slices.Contains(names, p.name) {
			t.Errorf("pass %s is listed twice", p.name)
		}
		names = append(names, p.name)
	}
	for _, c := range passOrder {
		first, second := slices.Index(names, c.first), slices.Index(names, c.second)
		if first < 0 || second < 0 || first >= second || c.why == "" {
			t.Errorf("%s (at %d) must come before %s (at %d): %s", c.first, first, c.second, second, c.why)
		}
	}
}

// A set prints as the names that it is parsed from.
func TestParseSet(t *testing.T) {
	for s := None; s <= All; s++ {
		var names []string
		for i, name := range passNames {
			if s.Has(1 << i) {
				names = append(names, name)
			}
		}
		if got := check.Must(Parse(names...))(t); got != s {
			t.Errorf("%v is read as %v", s, got)
		}
	}
	if None.String() != "none" || (Share|Indices).String() != "share,indices" {
		t.Errorf("sets print as %v and %v", None, Share|Indices)
	}
	_, err := Parse("share", "all")
	check.Error(t, err, `unknown pass "all"`)
}
