package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
	"zos-ort/ort/standin"
)

// The checks of a GPU run under the stand-in for CUDA too, which copies but does not compute.
func TestChecksOnStandIn(t *testing.T) {
	onStandIn(t, nil, func(t *testing.T, cuda *ort.CUDA, _ string) { runGPUChecks(t, gpuDevice{cuda, false}) })
}

// benchStandIn runs bench with a peer that takes .5 s and 4 MB for every step, and has the weights of ours.
func benchStandIn(t *testing.T) (report benchReport, said string) {
	t.Helper()
	c := newGPUCase(t, "zos", 4)
	c.Channels, c.Image = 4, 8
	p := emitted(t, c.spec(c.method, c.masksOf(c.method)[0]).Rank)
	python := testPython(t, fmt.Sprintf(`*'"build"'*) echo '{"parameters": %d}';;`, p.Weights.Len()))
	var out, messages bytes.Buffer
	err := newApp(&out, &messages).Run([]string{"zos-ort", "bench", "--device", "cuda", "--methods", "zos",
		"--channels", "4", "--cells", "3", "--image-size", "8", "--batch", "4", "--minutes", ".001",
		"--xi", ".25", "--python", python, "--json"})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != len(benchPrograms) {
		t.Fatalf("%d rows", len(report.Rows))
	}
	var table bytes.Buffer
	if err := report.print(terminal.New(&table, &table, false, false)); err != nil {
		t.Fatal(err)
	}
	return report, messages.String() + table.String()
}

// Under the stand-in times mean nothing; what is asked of the pool and of the peer does.
func TestBenchOnStandIn(t *testing.T) {
	onStandIn(t, nil, func(t *testing.T, _ *ort.CUDA, _ string) {
		report, said := benchStandIn(t)
		for _, r := range report.Rows {
			own := r.side(ours)
			if own.Error != "" || own.Peak == 0 || own.Reserved < own.Peak || len(r.Against) != 2 {
				t.Errorf("%s: %+v, against %+v", r.benchResult.Program, *own, r.Against)
			}
			for _, a := range r.Against {
				if want := float64(own.Peak) / 4e6; a.Memory != want {
					t.Errorf("%s: memory ratio %v, want %v", r.benchResult.Program, a.Memory, want)
				}
			}
		}
		weight, rank := report.Rows[0].side(ours), report.Rows[2].side(ours)
		if weight.Peak <= rank.Peak {
			t.Errorf("the weight step takes %d bytes, the ranking pass %d", weight.Peak, rank.Peak)
		}
		if !strings.Contains(said, "one step on cuda:0, fp32") {
			t.Errorf("said:\n%s", said)
		}
	})
}

// A card of 250 kB has no room for the steps of 400 and 300 kB. They are lost, the ranking pass of 140 kB
// and the peer's side are not.
func TestBenchOnSmallCard(t *testing.T) {
	onStandIn(t, []string{standin.BytesVariable + "=250000"}, func(t *testing.T, _ *ort.CUDA, _ string) {
		report, said := benchStandIn(t)
		for i, want := range []string{"out of memory", "out of memory", ""} {
			r := report.Rows[i]
			own, lost := r.side(ours), want != ""
			if own.Error != want || (len(own.Seconds) == 0) != lost || (len(r.Against) == 0) != lost {
				t.Errorf("%s: error %q, %d steps, against %+v", r.benchResult.Program, own.Error,
					len(own.Seconds), r.Against)
			}
			if n := len(r.side(eagerMode).Seconds); n < minRounds {
				t.Errorf("%s: %d steps of the peer", r.benchResult.Program, n)
			}
		}
		if strings.Count(said, "out of memory") != 2 {
			t.Errorf("said:\n%s", said)
		}
	})
}
