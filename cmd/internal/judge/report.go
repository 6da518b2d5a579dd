package judge

import (
	"context"
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"zos-ort/cmd/internal/chart"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// Report is everything that a judge says.
type Report struct {
	Settings  Settings    `json:"settings"`
	Source    string      `json:"source"`
	Random    Baseline    `json:"random_architectures"`
	Genotypes []Genotype  `json:"genotypes"`
	Groups    []Group     `json:"groups"`
	Pairs     []Pair      `json:"pairs"`
	Masks     []Mask      `json:"masks"`
	MaskGroup []MaskGroup `json:"mask_groups"`

	random []float64
}

// Report judges the subjects; the console shows how far it is.
func (j *Judge) Report(ctx context.Context, source string, subjects []Subject, p *terminal.Console) (*Report, error) {
	r := &Report{Settings: j.Settings, Source: source, Random: j.Baseline(), random: j.random}
	masks, seen := 0, map[sizes]bool{}
	for _, s := range subjects {
		if s.Mask == nil {
			continue
		}
		masks += 3
		if size := sizesOf(*s.Mask); !seen[size] {
			masks, seen[size] = masks+j.Settings.Masks, true
		}
	}
	defer p.Stop()
	var err error
	if r.Genotypes, err = j.Genotypes(ctx, subjects); err != nil {
		return nil, err
	}
	p.Start(masks, "judging masks")
	if r.Masks, err = j.Masks(ctx, subjects, func() { p.Step("") }); err != nil {
		return nil, err
	}
	r.Groups, r.Pairs = j.Groups(r.Genotypes)
	r.MaskGroup = MaskGroups(r.Masks)
	return r, nil
}

func (s Subject) label() string {
	if s.Method == "" {
		return s.Name
	}
	return fmt.Sprintf("%s, seed %d", s.Method, *s.Seed)
}

func (w verdictWorth) String() string {
	switch w {
	case 0:
		return "< 1"
	case maxWorth:
		return "> " + strconv.Itoa(maxWorth)
	}
	return strconv.Itoa(int(w))
}

type verdictWorth int

func (m Mean) String() string { return fmt.Sprintf("%.3f ± %.3f", m.Value, m.Error) }

func (i Interval) String() string { return fmt.Sprintf("%.1f [%.1f, %.1f]", i.Mean, i.Low, i.High) }

// Print prints the report as tables.
func (r *Report) Print(p *terminal.Console) error {
	b := r.Random
	text := ""
	for _, n := range Draws[1:] {
		text += fmt.Sprintf(", best of %d %.2f", n, b.BestOf[n])
	}
	p.Result("%d random architectures: accuracy %.2f %% ± %.2f, median %.2f%s", b.Samples, b.Mean, b.Deviation,
		b.Median, text)
	for _, table := range []table{r.genotypeTable(), r.groupTable(), r.pairTable(), r.maskTable(), r.maskGroupTable()} {
		if len(table.rows) == 0 {
			continue
		}
		p.Result("")
		if table.title != "" {
			p.Result("%s", table.title)
		}
		if err := p.Table(table.header, table.rows); err != nil {
			return err
		}
	}
	for _, g := range r.Genotypes {
		if s := g.Standing; s != nil {
			p.Result("%s: accuracy %.2f %%, rank %d of %d, %.2f below the best, %.2f", g.label(), g.Accuracy, s.Rank, s.Of,
				s.Optimum-g.Accuracy, s.Optimum)
		}
	}
	return nil
}

type table struct {
	file, title string
	header      []string
	rows        [][]string
}

func (r *Report) genotypeTable() (t table) {
	t.file, t.header = "genotypes.csv", []string{"architecture", "accuracy %", "percentile", "worth random draws",
		"over the mean %", "skips normal", "skips reduce", "parameters M"}
	for _, g := range r.Genotypes {
		t.rows = append(t.rows, []string{g.label(), fmt.Sprintf("%.2f", g.Accuracy),
			fmt.Sprintf("%.1f", g.Percentile), verdictWorth(g.Worth).String(), fmt.Sprintf("%+.2f", g.Improvement),
			strconv.Itoa(g.Skips[space.Normal]), strconv.Itoa(g.Skips[space.Reduce]),
			fmt.Sprintf("%.2f", float64(g.Parameters)/1e6)})
	}
	return t
}

// separable is the value of a rule that is for DARTS alone.
func separable(m Mean) string {
	if m == (Mean{}) {
		return "-"
	}
	return fmt.Sprintf("%.2f", m.Value)
}

func (r *Report) groupTable() (t table) {
	t.title = "seeds together; in brackets 95 % intervals by bootstrap"
	t.file, t.header = "groups.csv", []string{"method", "seeds", "accuracy %", "percentile", "lowest",
		"worth random draws", "most skips", "p (no better than random)"}
	for _, g := range r.Groups {
		t.rows = append(t.rows, []string{g.Name, strconv.Itoa(g.Seeds), fmt.Sprintf("%.2f", g.Accuracy.Mean),
			g.Percentile.String(), fmt.Sprintf("%.1f", g.Lowest), verdictWorth(g.Worth).String(),
			strconv.Itoa(g.Skips), fmt.Sprintf("%.2g", g.P)})
	}
	return t
}

func (r *Report) pairTable() (t table) {
	t.title = "percentiles compared seed by seed"
	t.file, t.header = "pairs.csv", []string{"method", "less", "seeds", "difference", "p (no better)"}
	for _, x := range r.Pairs {
		t.rows = append(t.rows, []string{x.Name, x.Other, strconv.Itoa(x.Seeds), x.Difference.String(),
			fmt.Sprintf("%.2g", x.P)})
	}
	return t
}

func (r *Report) maskTable() (t table) {
	t.title = "masks: mean accuracy of the architectures inside, beside masks of the same size"
	t.file, t.header = "masks.csv", []string{"mask", "operations", "inside %", "random masks", "lift", "z",
		"complement", "most parameters", "separable + skip"}
	for _, m := range r.Masks {
		complement := "-"
		if m.Complement != nil {
			complement = fmt.Sprintf("%.2f", m.Complement.Value)
		}
		t.rows = append(t.rows, []string{m.label(), strconv.Itoa(m.Operations), m.Inside.String(),
			fmt.Sprintf("%.2f, deviation %.2f", m.Random.Mean, m.Random.Deviation), m.Lift.String(),
			fmt.Sprintf("%+.1f", m.Z), complement, fmt.Sprintf("%.2f", m.Parameters.Value),
			separable(m.Separable)})
	}
	return t
}

func (r *Report) maskGroupTable() (t table) {
	t.title = "masks of the seeds together"
	t.file, t.header = "mask_groups.csv", []string{"method", "seeds", "mean lift", "lift in standard errors",
		"operations in common", "by chance"}
	for _, g := range r.MaskGroup {
		t.rows = append(t.rows, []string{g.Name, strconv.Itoa(g.Seeds), g.Lift.String(),
			fmt.Sprintf("%+.1f", g.Lift.Value/g.Lift.Error),
			fmt.Sprintf("%.1f of %.1f", g.Agreement, g.Operations), fmt.Sprintf("%.1f", g.Chance)})
	}
	return t
}

// Save writes judge.json, a CSV file of every table, and the chart.
func (r *Report) Save(d rundir.Dir) error {
	if err := d.WriteJSON("judge.json", r); err != nil {
		return err
	}
	for _, t := range []table{r.genotypeTable(), r.groupTable(), r.pairTable(), r.maskTable(), r.maskGroupTable()} {
		if len(t.rows) == 0 {
			continue
		}
		if err := d.Write(t.file, terminal.CSV(append([][]string{t.header}, t.rows...))); err != nil {
			return err
		}
	}
	c, err := r.chart()
	if err != nil {
		return fmt.Errorf("chart of the judge: %w", err)
	}
	bars := chart.HistogramFile(chart.Bins(bins, r.random), []string{"random architectures"}, r.random)
	if err := d.Write(chart.JudgeHistogram, bars); err != nil {
		return err
	}
	return chart.Write(d, "judge", c)
}

// bins of the histogram.
const bins = 60

// chart shows the histogram of random architectures and, above it, where genotypes and masks lie.
func (r *Report) chart() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%d random architectures, and what was judged", r.Random.Samples)
	p.X.Label.Text, p.Y.Label.Text = "accuracy, %", "density"
	p.Legend.Top, p.Legend.Left = true, true
	bars := chart.Histogram(r.random, chart.Bins(bins, r.random))
	bars.FillColor, bars.LineStyle.Width = color.NRGBA{30, 100, 180, 90}, 0
	p.Add(bars)
	p.Legend.Add("random architectures", bars)
	top := 0.
	for _, b := range bars.Bins {
		top = max(top, b.Weight)
	}
	type point struct {
		name string
		x    float64
	}
	var points []point
	for _, g := range r.Genotypes {
		name := g.Method
		if name == "" {
			name = g.label()
		}
		points = append(points, point{name, g.Accuracy})
	}
	for _, m := range r.Masks {
		points = append(points, point{"mean inside the masks" + prefixed(" of ", m.Method), m.Inside.Value})
	}
	names, by := groups(points, func(x point) string { return x.name })
	for i, name := range names {
		var at plotter.XYs
		for _, x := range by[name] {
			at = append(at, plotter.XY{X: x.x, Y: top * (1.05 + .05*float64(i))})
		}
		s, err := plotter.NewScatter(at)
		if err != nil {
			return nil, err
		}
		s.GlyphStyle = draw.GlyphStyle{Color: plotutil.Color(i), Radius: vg.Points(3), Shape: plotutil.Shape(i)}
		p.Add(s)
		p.Legend.Add(name, s)
	}
	p.Y.Max = math.Max(p.Y.Max, top*(1.1+.05*float64(len(names))))
	return p, nil
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
