package report

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"zos-ort/cmd/internal/pareto"
	"zos-ort/models/method"
)

// loadPareto reads what searches under several budgets have found.
func (r *run) loadPareto(f *folder) {
	var x pareto.Report
	if !f.json(pareto.File, &x) || len(x.Levels) == 0 {
		r.Verdict = "Nothing has been found yet."
		return
	}
	r.Verdict = paretoVerdict(x)
	r.Facts = append(r.Facts, fact{"Limited", x.Limit, x.Network}, fact{"Accuracies", filepath.Base(x.Source), ""},
		fact{"Searches", fmt.Sprint(len(x.Found)), ""})
	t := dataTable{Title: "Budgets"}
	t.Header = pareto.Header
	for i, row := range x.Rows() {
		cells := plain(row)
		cells[0].Link = sweepOf(x, x.Levels[i])
		t.Rows = append(t.Rows, cells)
	}
	r.Lead = append(r.Lead, t)
	r.add(&r.Sections, "Accuracy against cost", "Random architectures of the whole space, and what was found within budgets.",
		paretoChart(x))
}

// paretoVerdict compares the methods that search with random architectures.
func paretoVerdict(x pareto.Report) string {
	better, searched := 0, 0
	for _, l := range x.Levels {
		if m, err := method.Find(l.Method); err == nil && m.Source == method.ByChance {
			continue
		}
		if searched++; l.Accuracy > l.Random.Value {
			better++
		}
	}
	if searched == 0 {
		return "These are random architectures: nothing was searched."
	}
	return fmt.Sprintf("Under %d of %d budgets and methods, what was found is better than the mean of random architectures within "+
		"the same budget.", better, searched)
}

// sweepOf is the page of the searches under a budget.
func sweepOf(x pareto.Report, l pareto.Level) string {
	for _, f := range x.Found {
		if first, _, ok := strings.Cut(f.Run, "/"); ok && f.Most == l.Most && f.Method == l.Method {
			return (&url.URL{Path: first + "/" + FileName}).String()
		}
	}
	return ""
}

// mostPoints bounds the random architectures of a page.
const mostPoints = 2000

// paretoChart draws every architecture as a point.
func paretoChart(x pareto.Report) chart {
	c := chart{Title: "Accuracy against cost", Kind: scatter, XLabel: "millions of " + x.Limit, YLabel: "accuracy, %"}
	unit := 1e6
	if x.Found[0].Most < 1e5 {
		c.XLabel, unit = x.Limit, 1
	}
	type point struct {
		pareto.Point
		series int
	}
	var points []point
	for _, p := range x.Random[:min(len(x.Random), mostPoints)] {
		points = append(points, point{p, 0})
	}
	methods := x.Methods()
	for _, f := range x.Found {
		points = append(points, point{f.Point, 1 + slices.Index(methods, f.Method)})
	}
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.Cost, b.Cost) })
	c.Series = []series{{Label: "random architectures", Color: "quiet", Values: make([]number, len(points))}}
	for i, m := range methods {
		c.Series = append(c.Series, series{Label: m, Color: fmt.Sprintf("c%d", i%8), Values: make([]number, len(points))})
	}
	for i, p := range points {
		c.X = append(c.X, number(p.Cost/unit))
		for s := range c.Series {
			c.Series[s].Values[i] = gap
		}
		c.Series[p.series].Values[i] = number(p.Accuracy)
	}
	return c
}
