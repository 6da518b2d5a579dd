package memory

import (
	"bytes"
	"strings"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
	"zos-ort/models/method"
	"zos-ort/models/space"
)

// A run whose prediction exceeds the free memory is refused with the largest batch that fits, one
// that comes near it starts with a warning, and who insists is warned only.
func TestGuard(t *testing.T) {
	linear := Demand{What: "the search", Flag: "--batch", Batch: 10, Peak: func(batch int) (int, error) {
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

// A run that fits with less memory and more time is refused with that remedy; one that does not, with a
// smaller batch.
func TestGuardOffersRecomputing(t *testing.T) {
	d := Demand{What: "the search", Flag: "--batch", Batch: 10, Peak: func(batch int) (int, error) {
		return 11 * batch * terminal.Megabyte, nil
	}, Lean: func(batch int) (Lean, error) { return Lean{8 * batch * terminal.Megabyte, .204}, nil }}
	for free, words := range map[int]string{
		100: "it fits with --recompute max, about 20 % slower (80.0 MB)",
		70:  "the largest batch that fits is 6",
	} {
		n := check.Must(NeedOf([]Demand{d}, Available{free * terminal.Megabyte, "memory", "are free"}))(t)
		check.Error(t, n.Guard(terminal.New(&bytes.Buffer{}, &bytes.Buffer{}, false, false), false), words)
	}
}

// With --recompute max a search needs less and takes longer; a ranking has nothing to recompute, and a
// search that recomputes the most has no more to offer.
func TestLean(t *testing.T) {
	e := small(32).With(check.Must(method.Find("darts"))(t))
	e.Command = "search"
	d := Of(e, settings.StageSearch, space.DARTS.FullMask())
	set, lean := check.Must(d.Peak(32))(t), check.Must(d.Lean(32))(t)
	if !(lean.Peak < set*2/3 && lean.Slower > .02 && lean.Slower < .33) {
		t.Errorf("%d bytes, with %v %d", set, lean, lean.Peak)
	}
	if Of(e, settings.StagePruning, space.DARTS.FullMask()).Lean != nil {
		t.Error("a ranking recomputes")
	}
	if Of(Leanest(e), settings.StageSearch, space.DARTS.FullMask()).Lean != nil {
		t.Error("there is less than the least memory")
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

// Threads count: a run that fits without them may not fit with them.
func TestThreadsNeedMemory(t *testing.T) {
	need := Need{Peak: 9 * terminal.Megabyte, Available: Available{100 * terminal.Megabyte, "memory", "are free"},
		Part: Demand{What: "the search", Flag: "--batch", Batch: 10,
			Peak: func(int) (int, error) { return 9 * terminal.Megabyte, nil }}}
	var out bytes.Buffer
	p := terminal.New(&out, &out, false, false)
	if err := need.WithThreads(2).Guard(p, false); err != nil || out.Len() > 0 {
		t.Errorf("two threads: %v, %s", err, out.String())
	}
	many := need.WithThreads(1000)
	err := many.Guard(p, false)
	if err == nil || !strings.Contains(err.Error(), "needs 140.1 MB of memory") {
		t.Errorf("a thousand threads: %v", err)
	}
	if got, want := many.String(), "peak 9.0 MB, predicted, and 131.1 MB for threads; 100.0 MB are free"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
