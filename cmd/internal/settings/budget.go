package settings

import (
	"fmt"
	"strconv"
	"strings"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/budget"
	"zos-ort/models/space"
)

// Budget is the most that the network may cost which a search exports. Its fields are as the flags have them; an empty
// one does not limit.
type Budget struct {
	Params  string `json:"max_params,omitempty"`
	MACs    string `json:"max_macs,omitempty"`
	Latency string `json:"max_latency,omitempty"`
	Costs   string `json:"costs,omitempty"` // file of the table that says what a latency is
}

// BudgetOptions limit the network that is found.
var BudgetOptions = Options{
	{"max-params", "most weights of the exported network, such as 2.5M", "no limit",
		func(e *Experiment) any { return &e.Budget.Params }},
	{"max-macs", "most multiply-accumulates of the exported network for an image, such as 300M", "no limit",
		func(e *Experiment) any { return &e.Budget.MACs }},
	{"max-latency", "longest time of the exported network, such as 20ms, as --costs predicts it", "no limit",
		func(e *Experiment) any { return &e.Budget.Latency }},
	{"costs", "table of zos-ort costs --measure for --max-latency, `FILE`", "none",
		func(e *Experiment) any { return &e.Budget.Costs }},
}

// magnitudes are the factors that may follow a number.
var magnitudes = map[byte]float64{'k': 1e3, 'K': 1e3, 'M': 1e6, 'G': 1e9}

// amount reads a positive number such as 1500000, 1.5M or 600k.
func amount(flag, s string) (float64, error) {
	number, factor := s, 1.
	if n := len(s); n > 0 && magnitudes[s[n-1]] > 0 {
		number, factor = s[:n-1], magnitudes[s[n-1]]
	}
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.ContainsAny(number, "xXpPnN_") || !(x > 0 && x*factor < 1e15) {
		return 0, terminal.Usagef("--%s must be a positive number such as 2500000, 2.5M or 600k, got %q", flag, s)
	}
	return x * factor, nil
}

// Amount prints a count for people, with a factor that amount reads.
func Amount(x float64) string {
	for _, m := range []struct {
		least, unit float64
		name        string
	}{{1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}} {
		if x >= m.least {
			return strconv.FormatFloat(x/m.unit, 'f', 3, 64) + m.name
		}
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// Size is that of the network that a search exports.
func (x Export) Size() space.Size { return space.Size{Channels: x.Channels, Cells: x.Cells} }

// Limits are the budget of the network that a search exports, for the images and classes of the data.
func (e Experiment) Limits() (ls budget.Limits, err error) {
	if e.Budget == (Budget{}) {
		return nil, nil
	}
	params, macs := e.Space.Of().CountedCosts(e.Export.Size(), e.Images.Classes, e.Images.Size)
	for _, x := range []struct {
		flag, text, name string
		costs            *space.Costs
	}{{"max-params", e.Budget.Params, "weights", params}, {"max-macs", e.Budget.MACs, "multiply-accumulates", macs}} {
		if x.text == "" {
			continue
		}
		most, err := amount(x.flag, x.text)
		if err != nil {
			return nil, err
		}
		ls = append(ls, budget.Limit{Name: x.name, Most: most, Costs: x.costs,
			Print: func(c float64) string { return Amount(c) + " " + x.name }})
	}
	if e.Budget.Latency != "" {
		l, err := e.latencyLimit()
		if err != nil {
			return nil, err
		}
		ls = append(ls, l)
	}
	return ls, nil
}

// checkBudget refuses, once the images are known, what no network of the space can meet.
func (e Experiment) checkBudget() error {
	ls, err := e.Limits()
	if err != nil || len(ls) == 0 {
		return err
	}
	m := e.Space.Of().FullMask()
	if file := e.Ranking.MaskFile; file != "" {
		if m, err = e.ReadMask(file); err != nil {
			return err
		}
	}
	if err := ls.Check(m); err != nil {
		return terminal.Usage(fmt.Errorf("%w (%d cells of %d channels, images of %dx%d; see --network-cells and --network-channels)",
			err, e.Export.Cells, e.Export.Channels, e.Images.Size, e.Images.Size))
	}
	return nil
}

// DrawMask draws the mask i of the seed, for a method with random masks.
func (e Experiment) DrawMask(i int) (space.Mask, []space.Repair, error) {
	ls, err := e.Limits()
	if err != nil {
		return space.Mask{}, nil, err
	}
	rng := e.MaskStream(i)
	return ls.RandomMask(func() (space.Mask, []space.Repair) {
		return e.Technique().Draw(e.Space.Of(), rng, e.Ranking.Xi)
	})
}
