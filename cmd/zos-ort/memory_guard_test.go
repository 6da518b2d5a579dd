package main

import (
	"bytes"
	"strings"
	"testing"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
)

// A run whose prediction exceeds the free memory is refused with the largest batch that fits, one
// that comes near it starts with a warning, and who insists is warned only.
func TestGuard(t *testing.T) {
	linear := demand{"the search", "--batch", 10, func(batch int) (int, error) {
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
		{"nothing fits", 101 * terminal.Megabyte, false, "no batch fits (--ignore-memory", ""},
		{"insists", 105 * terminal.Megabyte, true, "", "the largest batch that fits is 5"},
	} {
		n, err := needOf([]demand{linear}, room{c.free, "memory", "are free"})
		if err != nil || n.Peak != 110*terminal.Megabyte {
			t.Fatalf("peak %d, %v", n.Peak, err)
		}
		var out bytes.Buffer
		err = n.guard(terminal.New(&out, &out, false, false), c.insists)
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
	c := smallMemory(8)
	for _, m := range method.All {
		cfg := quickPreset()
		cfg.Command, cfg.Classes, cfg.Partial, cfg.Thread = "search", benchClasses, m.Partial, 1
		cfg.Channels, cfg.Cells, cfg.ImageSize, cfg.Batch, cfg.PruneBatch = c.Channels, c.Cells, c.Image, 8, 2
		if m.Source == method.ByScores {
			cfg.PruneBatch = 8
		}
		cfg.completeRank()
		want, err := c.predict(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := cfg.predictMemory(m); err != nil {
			t.Fatal(err)
		}
		if cfg.memory.Peak != want.Peak {
			t.Errorf("%s: the guard predicts %d bytes, memory %d", m.Name, cfg.memory.Peak, want.Peak)
		}
	}
}
