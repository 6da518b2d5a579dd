package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/standin"
	"zos-ort/ort/standin/provider"
)

// benchStandIn runs bench with a peer that takes .5 s and 4 MB for every step, and has the weights of ours.
func benchStandIn(t *testing.T) (report benchReport, said string) {
	t.Helper()
	e := settings.PaperOnCIFAR().With(check.Must(method.Find("zos"))(t))
	e.Network.Channels, e.Network.Cells, e.Images.Size, e.Search.Batch = 4, 3, 8, 4
	e.Ranking.Channels, e.Ranking.Cells, e.Ranking.Xi = 4, 3, .25
	e.Device.Name, e.Device.GPU, e.Device.Threads = settings.CUDA, true, 1
	c := Case{e, check.Must(e.LikelyMask())(t)}
	weights := check.Must(c.steps())(t)[0].Weights.Len()
	python := testPython(t, fmt.Sprintf(`*'"build"'*) echo '{"parameters": %d}';;`, weights))
	var out, messages bytes.Buffer
	p := terminal.New(&out, &messages, true, false)
	d := check.Must(device.Open(&c.Experiment, p))(t)
	defer d.Close()
	if err := ort.Open(""); err != nil {
		t.Fatal(err)
	}
	q := Request{Cases: []Case{c}, Device: d, Limit: time.Millisecond, Python: python, Needed: true}
	if err := q.Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != len(timed) {
		t.Fatalf("%d rows", len(report.Rows))
	}
	var table bytes.Buffer
	if err := report.print(terminal.New(&table, &table, false, false)); err != nil {
		t.Fatal(err)
	}
	return report, messages.String() + table.String()
}

// Under the stand-in times mean nothing; requests to the pool and to the peer do.
func TestBenchOnStandIn(t *testing.T) {
	provider.Run(t, nil, func(t *testing.T, _ *ort.CUDA, _ string) {
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
	provider.Run(t, []string{standin.BytesVariable + "=250000"}, func(t *testing.T, _ *ort.CUDA, _ string) {
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
