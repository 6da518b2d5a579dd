package images

import (
	"slices"
	"testing"
)

// Names that JSON cannot hold keep apart.
func TestPrintable(t *testing.T) {
	got := printable([]string{"cat", "café", "caf\xe9", "caf\xe8", "\xff"})
	if want := []string{"cat", "café", `caf\xE9`, `caf\xE8`, `\xFF`}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
