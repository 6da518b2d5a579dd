package dataparallel

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
)

// Named is a network between machines, as the user calls it.
type Named struct {
	Name string `json:"name"`
	Network
}

// Request is a measurement with its predictions.
type Request struct {
	Methods   []string
	Arguments func(method string) []string // that make the program a rank
	Ranks     []int                        // to measure; the first is 1
	Launcher  Launcher
	Batch     int
	Threads   int // of a rank
	Networks  []Named
	Step      float64 // seconds of a weight step and an alpha step of one rank elsewhere; 0: as here
}

// predicted are the numbers of ranks that are predicted.
var predicted = []int{8, 16, 32, 64, 128, 256}

// Measured is what ranks have shown on this machine, beside what the model says of it.
type Measured struct {
	Point
	Alone float64 `json:"alone_seconds"` // a step of as many processes at once that do not exchange anything
	Small float64 `json:"small_seconds"` // a sum of one number
	// Model is the step that Alone and sums on the network between two ranks predict.
	Model float64 `json:"model_seconds"`
	// Limit is the efficiency of as many processes that do not exchange anything: they share processors and memory.
	Limit float64 `json:"limit"`
}

// Forecast is a number of ranks on a network between machines.
type Forecast struct {
	Network string `json:"network"`
	Point
}

// Result is a method.
type Result struct {
	Method    string     `json:"method"`
	Sums      Exchange   `json:"exchange"`
	Here      Network    `json:"network_here"`
	Measured  []Measured `json:"measured"`
	Forecasts []Forecast `json:"forecasts"`
}

// Run measures and predicts, and writes the results.
func (r Request) Run(ctx context.Context, p *terminal.Console, dir rundir.Dir) error {
	p.Start(len(r.Methods)*len(r.Ranks), "ranks")
	defer p.Stop()
	var list []Result
	for _, m := range r.Methods {
		var samples []Sample
		for _, n := range r.Ranks {
			s, err := r.Launcher.sample(ctx, n, r.Arguments(m))
			if err != nil {
				return fmt.Errorf("%s: %w", m, err)
			}
			samples = append(samples, s)
			p.Step(fmt.Sprintf("%s %d", m, n))
		}
		list = append(list, r.result(m, samples))
	}
	p.Stop()
	return r.report(p, list, dir)
}

// result puts what was measured beside the model, and predicts.
func (r Request) result(method string, samples []Sample) Result {
	one := samples[0]
	x := Result{Method: method, Sums: one.Sums}
	if i := slices.IndexFunc(samples, func(s Sample) bool { return s.Ranks > 1 }); i > 0 {
		x.Here = networkOf(one.Sums, samples[i].Ranks, samples[i].Exchange, samples[i].Small)
	}
	for _, s := range samples {
		m := Measured{Point: point(s.Ranks, r.Batch, s.Together, s.Exchange, one.Together), Alone: s.Alone, Small: s.Small,
			Limit: one.Together / s.Alone}
		m.Model = s.Alone
		if s.Ranks > 1 {
			m.Model += x.Here.Seconds(one.Sums, s.Ranks)
		}
		x.Measured = append(x.Measured, m)
	}
	alone := one.Together
	if r.Step > 0 {
		alone = r.Step
	}
	for _, w := range r.Networks {
		for _, n := range predicted {
			x.Forecasts = append(x.Forecasts, Forecast{w.Name, w.Predict(one.Sums, n, r.Batch, alone)})
		}
	}
	return x
}

func (r Request) report(p *terminal.Console, list []Result, dir rundir.Dir) error {
	if err := dir.Write("ranks.csv", terminal.CSV(rows(list))); err != nil {
		return err
	}
	if err := dir.WriteJSON("ranks.json", list); err != nil {
		return err
	}
	if err := drawRanks(list, dir); err != nil {
		return err
	}
	for _, x := range list {
		p.Result("%s, batch %d a rank, %s: %d sums of %.2f MB in all for a weight step and an alpha step", x.Method, r.Batch,
			terminal.Count(r.Threads, "thread"), x.Sums.Calls, float64(x.Sums.Bytes)/terminal.Megabyte)
		if x.Here.Bandwidth > 0 {
			p.Result("between two ranks here: %.1f us for a message, %.2f GB/s", 1e6*x.Here.Latency, x.Here.Bandwidth/1e9)
		}
		if err := p.Table([]string{"ranks", "ms", "model: ms", "off by %", "sums: ms", "images/s", "efficiency", "without sums"},
			measuredCells(x.Measured)); err != nil {
			return err
		}
		if most, cores := slices.Max(r.Ranks), host.Processors(); r.Launcher.here() && most*r.Threads > cores {
			p.Result("%s of %s share %s, as those without sums do, from which the model is made", terminal.Count(most, "rank"),
				terminal.Count(r.Threads, "thread"), terminal.Count(cores, "core"))
		}
		if err := p.Table([]string{"network", "ranks", "ms", "sums: ms", "images/s", "efficiency"}, forecastCells(x.Forecasts)); err != nil {
			return err
		}
	}
	p.Result("written to %s", dir)
	return p.Value(map[string]any{"folder": dir, "methods": list})
}

func measuredCells(list []Measured) (cells [][]string) {
	for _, m := range list {
		cells = append(cells, []string{strconv.Itoa(m.Ranks), terminal.Milliseconds(m.Seconds), terminal.Milliseconds(m.Model),
			fmt.Sprintf("%+.1f", 100*(m.Model/m.Seconds-1)), terminal.Milliseconds(m.Exchange), fmt.Sprintf("%.1f", m.Images),
			fmt.Sprintf("%.3f", m.Efficiency), fmt.Sprintf("%.3f", m.Limit)})
	}
	return cells
}

func forecastCells(list []Forecast) (cells [][]string) {
	for _, f := range list {
		cells = append(cells, []string{f.Network, strconv.Itoa(f.Ranks), terminal.Milliseconds(f.Seconds), terminal.Milliseconds(f.Exchange),
			fmt.Sprintf("%.0f", f.Images), fmt.Sprintf("%.3f", f.Efficiency)})
	}
	return cells
}

// rows is ranks.csv.
func rows(list []Result) [][]string {
	all := [][]string{{"method", "network", "ranks", "seconds", "exchange_seconds", "images_a_second", "efficiency", "model_seconds", "limit"}}
	row := func(method, network string, p Point, more ...string) {
		all = append(all, append([]string{method, network, strconv.Itoa(p.Ranks), terminal.Number(p.Seconds), terminal.Number(p.Exchange),
			terminal.Number(p.Images), terminal.Number(p.Efficiency)}, more...))
	}
	for _, x := range list {
		for _, m := range x.Measured {
			row(x.Method, "measured", m.Point, terminal.Number(m.Model), terminal.Number(m.Limit))
		}
		for _, f := range x.Forecasts {
			row(x.Method, f.Network, f.Point, "", "")
		}
	}
	return all
}
