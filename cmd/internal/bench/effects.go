package bench

import (
	"context"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"

	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// passRow is a pass of the table, what it is added to, and what it does.
type passRow struct{ pass, before, about string }

// passRows are the passes in order. The last two are alternatives, because our own kernels recompute
// what they need themselves.
var passRows = []passRow{
	{"share", settings.PassesNone, "equal operations once"},
	{"pools", "share", "a pool once per state"},
	{"mix", "share,pools", "mixing weights in batch norms"},
	{"shuffle", "share,pools,mix", "one channel shuffle per node"},
	{"reduce", "share,pools,mix,shuffle", "a factorised reduction in one convolution"},
	{"indices", "share,pools,mix,shuffle,reduce", "indices of max pools in one byte"},
	{settings.PassRecompute, settings.PassesPortable, "cheap values again in the backward pass"},
	{settings.PassKernels, settings.PassesPortable, "ReLU, convolutions, batch norm in one"},
}

// effectRows are the rows of the passes that the user has named, or all.
func effectRows(e settings.Experiment) (rows []passRow) {
	for _, r := range passRows {
		if e.Execution.HasPass(r.pass) {
			rows = append(rows, r)
		}
	}
	return rows
}

// after is the list of passes with this one.
func (r passRow) after() string {
	if r.before == settings.PassesNone {
		return r.pass
	}
	return r.before + "," + r.pass
}

// effect is what a pass does to a program.
type effect struct {
	Method  string       `json:"method"`
	Program string       `json:"program"`
	Pass    string       `json:"pass"`
	Before  effectNumber `json:"before"`
	After   effectNumber `json:"after"`

	about string
}

// effectNumber is a program with one list of passes.
type effectNumber struct {
	Passes  string  `json:"passes"`
	Peak    int     `json:"predicted_peak_bytes"` // live bytes
	Seconds float64 `json:"seconds,omitempty"`    // median of a step
}

// effectRounds is how often every program runs for the table of passes, after one run that does not
// count. Each round runs every program once, so that a slow moment of the machine hits all.
const effectRounds = 5

// Effects prints what every pass does to the peak of the steps of each method and, with measuring, to their
// time.
func Effects(ctx context.Context, p *terminal.Console, e settings.Experiment, list []method.Method,
	measuring bool, o ort.Options) error {
	if len(effectRows(e)) == 0 {
		return terminal.Usagef("--passes-table needs passes, got --passes %s", e.Execution.Passes)
	}
	if measuring {
		if err := ort.Open(""); err != nil {
			return err
		}
	}
	var rows []effect
	p.Start(len(list), "planning")
	defer p.Stop()
	for _, m := range list {
		p.Step(m.Name)
		if m.Source != method.BySearch {
			continue
		}
		numbers, err := byPasses(ctx, e.With(m), measuring, o)
		if err != nil {
			return err
		}
		for _, program := range []string{"weight_step", "alpha_step"} {
			for _, r := range effectRows(e) {
				after := numbers[program+" "+r.after()]
				rows = append(rows, effect{m.Name, program, r.pass, numbers[program+" "+r.before], after, r.about})
			}
		}
	}
	p.Stop()
	return effectTable(p, e, rows, measuring)
}

// byPasses plans, and measures, the steps of a method with every list of passes, by "PROGRAM PASSES".
func byPasses(ctx context.Context, e settings.Experiment, measuring bool,
	o ort.Options) (map[string]effectNumber, error) {
	numbers, programs := map[string]effectNumber{}, map[string]*graphgen.Program{}
	lists := passLists(effectRows(e))
	e.Execution.Recompute = ""
	for _, list := range lists {
		e.Execution.Passes = list
		r, err := memory.Predict(e, 1)
		if err != nil {
			return nil, err
		}
		for _, p := range r.Programs {
			key := p.Name + " " + list
			numbers[key], programs[key] = effectNumber{Passes: list, Peak: p.Plan.Peak}, p.Program
		}
	}
	if !measuring {
		return numbers, nil
	}
	times, err := byTurns(ctx, programs, o)
	if err != nil {
		return nil, err
	}
	for key, t := range times {
		n := numbers[key]
		n.Seconds = median(t)
		numbers[key] = n
	}
	return numbers, nil
}

// passLists are all lists of the rows, each once.
func passLists(rows []passRow) (lists []string) {
	for _, r := range rows {
		for _, list := range []string{r.before, r.after()} {
			if !slices.Contains(lists, list) {
				lists = append(lists, list)
			}
		}
	}
	return lists
}

// byTurns runs every program effectRounds times, as a search does: without an arena.
func byTurns(ctx context.Context, programs map[string]*graphgen.Program,
	o ort.Options) (map[string][]float64, error) {
	trials := map[string]*meter.Trial{}
	defer func() {
		for _, t := range trials {
			t.Close()
		}
	}()
	for key, p := range programs {
		t, err := meter.NewTrial(p, o)
		if err != nil {
			return nil, err
		}
		trials[key] = t
	}
	times := map[string][]float64{}
	for round := range 1 + effectRounds {
		for key, t := range trials {
			outputs, seconds, err := t.Run(ctx)
			meter.CloseTensors(outputs)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				times[key] = append(times[key], seconds)
			}
		}
	}
	return times, nil
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return stat.Quantile(.5, stat.Empirical, x, nil)
}

func effectTable(p *terminal.Console, e settings.Experiment, rows []effect, measured bool) error {
	header := []string{"method", "program", "pass", "what it does", "MB before", "after", "change"}
	if measured {
		header = append(header, "ms before", "after", "change")
	}
	change := func(before, after float64) string { return fmt.Sprintf("%+.1f %%", 100*(after/before-1)) }
	var cells [][]string
	for _, r := range rows {
		row := []string{r.Method, r.Program, r.Pass, r.about, terminal.MB(r.Before.Peak), terminal.MB(r.After.Peak),
			change(float64(r.Before.Peak), float64(r.After.Peak))}
		if measured {
			row = append(row, fmt.Sprintf("%.0f", 1e3*r.Before.Seconds), fmt.Sprintf("%.0f", 1e3*r.After.Seconds),
				change(r.Before.Seconds, r.After.Seconds))
		}
		cells = append(cells, row)
	}
	p.Result("live bytes in MB (10^6 bytes) with the passes above each one and with it, batch %d; recompute and "+
		"kernels both follow indices", e.Search.Batch)
	if err := p.Table(header, cells); err != nil {
		return err
	}
	return p.Value(map[string]any{"config": e, "rows": rows})
}
