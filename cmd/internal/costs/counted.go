package costs

import (
	"fmt"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/budget"
	"zos-ort/models/space"
)

// Counted is what the networks of a setting cost, whatever the machine.
type Counted struct {
	Space      space.Ref      `json:"space"`
	Channels   int            `json:"channels"`
	Cells      int            `json:"cells"`
	Image      int            `json:"image_size"`
	Classes    int            `json:"classes"`
	Operations []CountedPlace `json:"operations"`
	Fixed      Amounts        `json:"fixed"` // stem, head and what stands between cells
	Smallest   Amounts        `json:"smallest"`
	Largest    Amounts        `json:"largest"`
}

// CountedPlace is an operation at a place. The networks of a space have several edges on which it can stand there.
type CountedPlace struct {
	Operation string `json:"operation"`
	Channels  int    `json:"channels"`
	Side      int    `json:"side"`
	Stride    int    `json:"stride"`
	Edges     int    `json:"edges"`
	Amounts
}

// Amounts are the two costs that are counted.
type Amounts struct {
	Parameters int `json:"parameters"`
	MACs       int `json:"macs"`
}

// Count counts.
func Count(s Setting) Counted {
	of := s.Space.Of()
	c := Counted{Space: s.Space, Channels: s.Channels, Cells: s.Cells, Image: s.Image, Classes: s.Classes}
	for _, x := range of.Places(s.Size(), s.Image) {
		params, macs := x.Count()
		c.Operations = append(c.Operations, CountedPlace{x.Op.String(), x.Channels, x.Side, x.Stride, x.Edges,
			Amounts{params, macs}})
	}
	params, macs := of.CountedCosts(s.Size(), s.Classes, s.Image)
	c.Fixed = Amounts{int(params.Fixed), int(macs.Fixed)}
	least, most := budget.Limit{Costs: params}.Range(of.FullMask())
	c.Smallest.Parameters, c.Largest.Parameters = int(least), int(most)
	least, most = budget.Limit{Costs: macs}.Range(of.FullMask())
	c.Smallest.MACs, c.Largest.MACs = int(least), int(most)
	return c
}

// Print prints the operations and the range of networks.
func (c Counted) Print(p *terminal.Console) error {
	cells := [][]string{}
	for _, x := range c.Operations {
		cells = append(cells, []string{x.Operation, fmt.Sprint(x.Channels), fmt.Sprintf("%dx%d", x.Side, x.Side),
			fmt.Sprint(x.Stride), fmt.Sprint(x.Edges), fmt.Sprint(x.Parameters), millions(x.MACs)})
	}
	header := []string{"operation", "channels", "reads", "stride", "edges", "parameters", "million MACs"}
	if err := p.Table(header, cells); err != nil {
		return err
	}
	p.Result("%s", c.Space.Of().Describe(space.Size{Channels: c.Channels, Cells: c.Cells}))
	for _, x := range []struct {
		what string
		Amounts
	}{{"stem, head and between cells", c.Fixed}, {"smallest network", c.Smallest}, {"largest network", c.Largest}} {
		p.Result("%s: %d parameters, %s million multiply-accumulates for an image of %dx%d", x.what, x.Parameters,
			millions(x.MACs), c.Image, c.Image)
	}
	return p.Value(c)
}

func millions(n int) string { return fmt.Sprintf("%.3f", float64(n)/1e6) }

// Print prints a measured table and how well it predicts.
func (t *Table) Print(p *terminal.Console) error {
	cells := [][]string{}
	for _, x := range t.Places {
		cells = append(cells, []string{x.Operation, fmt.Sprint(x.Channels), fmt.Sprintf("%dx%d", x.Side, x.Side),
			fmt.Sprint(x.Stride), fmt.Sprintf("%.4f", *x.Latency)})
	}
	if err := p.Table([]string{"operation", "channels", "reads", "stride", "ms"}, cells); err != nil {
		return err
	}
	c, err := t.Costs()
	if err != nil {
		return err
	}
	least, most := budget.Limit{Costs: c}.Range(t.Space.Of().FullMask())
	p.Result("latency of a network: %.3f ms and %.3f times the sum of its operations", *t.Fixed, *t.Scale)
	p.Result("smallest network %.3f ms, largest %.3f ms: batch of %d, %s, %s, on %s (%s)", least, most, t.Batch,
		terminal.Count(t.Threads, "thread"), t.Precision, t.Host, t.CPU)
	if t.Check != nil {
		p.Result("%s", t.Check)
	}
	return p.Value(t)
}

// String is the check as a line.
func (c *Check) String() string {
	order := "their order says nothing"
	if c.Spearman != nil {
		order = fmt.Sprintf("Spearman %.3f", *c.Spearman)
	}
	return fmt.Sprintf("%s, predicted against measured: %s, mean error %.1f %%, worst %.1f %%",
		terminal.Count(c.Networks, "random network"), order, 100*c.Mean, 100*c.Worst)
}
