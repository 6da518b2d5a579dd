package report

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"zos-ort/cmd/internal/cells"
	"zos-ort/cmd/internal/rundir"
)

// loadSweep reads table.json.
func (r *run) loadSweep(f *folder) {
	r.Settings = flatten(f.read("sweep.json"))
	var t cells.Table
	if !f.json("table.json", &t) {
		f.note("table.json is missing: no run has ended")
		r.Verdict = "Nothing has ended yet."
		return
	}
	r.Verdict = sweepVerdict(t)
	done, failed := 0, 0
	for _, o := range t.Runs {
		switch o.State {
		case cells.Done:
			done++
		case cells.Failed:
			failed++
		}
	}
	r.Facts = append(r.Facts, fact{"Runs done", fmt.Sprintf("%d of %d", done, len(t.Runs)), fmt.Sprintf("%d failed", failed)})
	summaryTable := dataTable{Title: "Methods (mean ± standard deviation over the seeds, and the paper's numbers)", Header: t.Header()}
	for _, row := range t.Cells() {
		summaryTable.Rows = append(summaryTable.Rows, plain(row))
	}
	for _, note := range t.Rankings() {
		r.Verdict += " " + note + "."
	}
	r.Lead, r.Tables = append(r.Lead, summaryTable), append(r.Tables, runsTable(f, t))
	r.sweepSection(t)
}

// sweepVerdict names the best method of every data set.
func sweepVerdict(t cells.Table) string {
	var parts []string
	for _, q := range []cells.Quantity{cells.Test, cells.Valid} {
		best := map[string]cells.Row{}
		var order []string
		for _, row := range t.Rows {
			s, ok := row.Stats[q]
			if !ok {
				continue
			}
			if b, seen := best[row.Data]; !seen {
				order = append(order, row.Data)
				best[row.Data] = row
			} else if s.Mean > b.Stats[q].Mean {
				best[row.Data] = row
			}
		}
		for _, data := range order {
			s := best[data].Stats[q]
			text := fmt.Sprintf("Best on %s: %s with %.2f", data, best[data].Method, s.Mean)
			if s.N > 1 {
				text += fmt.Sprintf(" ± %.2f", s.SD)
			}
			parts = append(parts, text+fmt.Sprintf(" %% %s accuracy over %d runs", map[cells.Quantity]string{
				cells.Test: "test", cells.Valid: "supernet validation"}[q], s.N))
		}
		if len(parts) > 0 {
			return strings.Join(parts, ". ") + "."
		}
	}
	return "No run has an accuracy yet."
}

// runsTable lists all runs, each with links to its reports.
func runsTable(f *folder, t cells.Table) dataTable {
	out := dataTable{Title: "All runs", Header: []string{"data", "method", "seed", "state", "search", "retraining"},
		Long: len(t.Runs) > 24}
	parts := []string{cells.Search, cells.Retrain}
	if t.Ranking != nil {
		parts = []string{cells.Search, cells.Small, cells.Retrain}
		out.Header = []string{"data", "method", "seed", "state", "place", "search", "small", "retraining"}
	}
	for _, q := range t.Quantities() {
		out.Header = append(out.Header, strings.ReplaceAll(string(q), "_", " "))
	}
	for _, o := range t.Runs {
		state := string(o.State)
		if o.Error != "" {
			state += ": " + o.Error
		}
		row := plain([]string{o.Data, o.Method, fmt.Sprint(o.Seed), state})
		if t.Ranking != nil {
			row = append(row, tableCell{Text: o.PlaceText()})
		}
		for _, part := range parts {
			c := tableCell{Text: "-"}
			name := filepath.Join(cells.Cell{Data: o.Data, Method: o.Method, Seed: o.Seed}.ID(), part, FileName)
			if rundir.Exists(f.path(name)) {
				c = tableCell{"report", (&url.URL{Path: filepath.ToSlash(name)}).String()}
			}
			row = append(row, c)
		}
		for _, q := range t.Quantities() {
			text := "-"
			if v, ok := o.Values[q]; ok {
				text = fmt.Sprintf("%.2f", v)
			}
			row = append(row, tableCell{Text: text})
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// sweepSection draws every quantity by method, with the standard deviation over the seeds.
func (r *run) sweepSection(t cells.Table) {
	var charts []chart
	for _, q := range []struct {
		quantity     cells.Quantity
		title, units string
	}{{cells.Test, "Test accuracy", "%"}, {cells.SmallAccuracy, "Accuracy of small networks", "%"}, {cells.Valid, "Supernet validation accuracy", "%"},
		{cells.Seconds, "Pruning and search", "s"}, {cells.Predicted, "Predicted peak memory", "MB"},
		{cells.Resident, "Peak resident size", "MB"}} {
		if !slices.Contains(t.Quantities(), q.quantity) {
			continue
		}
		c := quantityChart(t, q.quantity)
		c.Title, c.YLabel = q.title, q.units
		charts = append(charts, c)
	}
	r.add(&r.Sections, "Methods side by side", "", charts...)
}

// quantityChart has a series for every data set. The paper's accuracies are beside ours; its seconds and megabytes
// are of another machine, and in the table only.
func quantityChart(t cells.Table, q cells.Quantity) chart {
	var sets []string
	c := chart{Kind: points, XLabel: "method",
		Note: "Mean over the seeds; the bar is one standard deviation to either side."}
	for _, row := range t.Rows {
		if !slices.Contains(c.XNames, row.Method) {
			c.XNames = append(c.XNames, row.Method)
		}
		if !slices.Contains(sets, row.Data) {
			sets = append(sets, row.Data)
		}
	}
	n := len(c.XNames)
	c.X = counting(0, n)
	for _, set := range sets {
		s, paper := series{Label: set, Values: gaps(n), Low: gaps(n), High: gaps(n)}, series{Label: set + ", the paper", Values: gaps(n)}
		for _, row := range t.Rows {
			x, ok := row.Stats[q]
			if !ok || row.Data != set {
				continue
			}
			i := slices.Index(c.XNames, row.Method)
			s.Values[i], s.Low[i], s.High[i] = number(x.Mean), number(x.Mean-x.SD), number(x.Mean+x.SD)
			if row.Paper != nil && q == cells.Test {
				paper.Values[i] = number(row.Paper.Accuracy)
			}
		}
		c.Series = append(c.Series, s)
		if largest(paper.Values).known() {
			c.Series = append(c.Series, paper)
		}
	}
	return c
}

func gaps(n int) []number {
	list := make([]number, n)
	for i := range list {
		list[i] = gap
	}
	return list
}

// plain makes cells of texts.
func plain(texts []string) (row []tableCell) {
	for _, t := range texts {
		row = append(row, tableCell{Text: t})
	}
	return row
}
