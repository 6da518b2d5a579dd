package memory

import (
	"bytes"
	"strings"
	"testing"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
	"zos-ort/models/method"
)

// A run whose prediction exceeds the free memory is refused with the largest batch that fits, one
// that comes near it starts with a warning, and who insists is warned only.
func TestGuard(t *testing.T) {
	linear := Demand{"the search", "--batch", 10, func(batch int) (int, error) {
		return (100 + batch) * terminal.Megabyte, nil
	}}
	for _, c := range []struct {
		name       string
		free       int
		insists    bool
		err, warns string
	}{
		{"plenty", 200 * terminal.Megabyte, false, "", ""},
		{"unknown", 0, false, "", ""},
		{"near", 120 * terminal.Megabyte, false, "", "with --batch 10 needs 110.0 MB"},
		{"too much", 105 * terminal.Megabyte, false, "the largest batch that fits is 5", ""},
		{"nothing fits", 101 * terminal.Megabyte, false, "no batch fits (use --ignore-memory", ""},
		{"insists", 105 * terminal.Megabyte, true, "", "the largest batch that fits is 5"},
	} {
		n, err := NeedOf([]Demand{linear}, Available{c.free, "memory", "are free"})
		if err != nil || n.Peak != 110*terminal.Megabyte {
			t.Fatalf("peak %d, %v", n.Peak, err)
		}
		var out bytes.Buffer
		err = n.Guard(terminal.New(&out, &out, false, false), c.insists)
		if (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
		if got := out.String(); (got == "") != (c.warns == "") || !strings.Contains(got, c.warns) {
			t.Errorf("%s: warning %q, want %q", c.name, got, c.warns)
		}
	}
}

// The guard predicts what memory predicts for the same network, for every method that runs.
func TestGuardPredictsTheSame(t *testing.T) {
	for _, m := range method.All {
		e := small(8).With(m)
		e.Command = "search"
		want := check.Must(Predict(e, 1))(t)
		if m.Source == method.BySearch {
			e.Ranking.Batch = 2
		}
		need := check.Must(NeedOf(check.Must(Demands(e))(t), Available{}))(t)
		if need.Peak != want.Peak {
			t.Errorf("%s: the guard predicts %d bytes, memory %d", m.Name, need.Peak, want.Peak)
		}
	}
}
