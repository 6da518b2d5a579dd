package cells

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"zos-ort/models/file"
)

// Header names the columns of Table.Cells.
func (t Table) Header() []string {
	list := []string{"data", "method", "runs", "predicted MB", "RSS MB", "search s", "valid %"}
	if t.Ranking != nil {
		list = append(list, "small %")
	}
	return append(list, "test %", "MB / darts (paper)", "s / darts (paper)", "paper: MB / s / %")
}

// Cells is the table for people: mean ± standard deviation over the seeds, and the paper's numbers.
func (t Table) Cells() (rows [][]string) {
	for _, r := range t.Rows {
		runs := strconv.Itoa(r.Runs)
		if r.Failed > 0 {
			runs += fmt.Sprintf(", %d failed", r.Failed)
		}
		if r.Left > 0 {
			runs += fmt.Sprintf(", %d left out", r.Left)
		}
		row := []string{r.Data, r.Method, runs, r.mean(Predicted, 1), r.spread(Resident, 0),
			r.spread(Seconds, 1), r.spread(Valid, 2)}
		if t.Ranking != nil {
			row = append(row, r.spread(SmallAccuracy, 2))
		}
		row = append(row, r.spread(Test, 2), r.versus(Predicted), r.versus(Seconds), "-")
		if p := r.Paper; p != nil {
			row[len(row)-1] = fmt.Sprintf("%.0f / %.0f / %.2f", p.PeakMB, p.Seconds, p.Accuracy)
		}
		rows = append(rows, row)
	}
	return rows
}

// mean prints a quantity with that number of decimals.
func (r Row) mean(q Quantity, decimals int) string {
	if s, ok := r.Stats[q]; ok {
		return fmt.Sprintf("%.*f", decimals, s.Mean)
	}
	return "-"
}

// spread prints mean and standard deviation; one value has no deviation.
func (r Row) spread(q Quantity, decimals int) string {
	text := r.mean(q, decimals)
	if s := r.Stats[q]; s.N > 1 {
		text += fmt.Sprintf(" ± %.*f", decimals, s.SD)
	}
	return text
}

// versus prints our ratio to darts and the paper's.
func (r Row) versus(q Quantity) string {
	text := func(m map[Quantity]float64) string {
		if v, ok := m[q]; ok {
			return fmt.Sprintf("%.3f", v)
		}
		return "-"
	}
	return fmt.Sprintf("%s (%s)", text(r.Ratios), text(r.PaperRatios))
}

// Rankings say of every data set what was ranked and what was left out.
func (t Table) Rankings() (lines []string) {
	if t.Ranking == nil {
		return nil
	}
	var seen []string
	for _, r := range t.Rows {
		if !slices.Contains(seen, r.Data) {
			seen = append(seen, r.Data)
			lines = append(lines, t.Ranking.note(r.Data, t.Runs))
		}
	}
	return lines
}

// Notes are one line per row that has a genotype, one per run that failed, and what was ranked.
func (t Table) Notes() (lines []string) {
	for _, r := range t.Rows {
		if r.Best != nil {
			lines = append(lines, fmt.Sprintf("%s on %s, best of seeds is %d: %s", r.Method, r.Data,
				r.Best.Seed, r.Best.Genotype))
		}
	}
	for _, o := range t.Runs {
		if o.State == Failed {
			lines = append(lines, fmt.Sprintf("%s on %s, seed %d, failed: %s", o.Method, o.Data, o.Seed,
				o.Error))
		}
	}
	return append(lines, t.Rankings()...)
}

// Markdown is the table with its notes.
func (t Table) Markdown() []byte {
	var b bytes.Buffer
	line := func(cells []string) {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	header := t.Header()
	line(header)
	fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(header)))
	for _, row := range t.Cells() {
		line(row)
	}
	for _, note := range t.Notes() {
		fmt.Fprintf(&b, "\n* %s", note)
	}
	b.WriteString("\n")
	return b.Bytes()
}

// CSV has a line per method and data set with exact numbers; unknown values are empty.
func (t Table) CSV() []byte {
	header := []string{"data", "method", "runs", "failed"}
	if t.Ranking != nil {
		header = append(header, "left_out")
	}
	for _, q := range t.Quantities() {
		header = append(header, string(q)+"_mean", string(q)+"_sd")
	}
	lines := [][]string{append(header, "memory_to_darts", "paper_memory_to_darts", "seconds_to_darts",
		"paper_seconds_to_darts", "paper_peak_mb", "paper_search_seconds", "paper_test_accuracy",
		"best_seed", "best_genotype")}
	for _, r := range t.Rows {
		line := []string{r.Data, r.Method, strconv.Itoa(r.Runs), strconv.Itoa(r.Failed)}
		if t.Ranking != nil {
			line = append(line, strconv.Itoa(r.Left))
		}
		for _, q := range t.Quantities() {
			mean, sd := "", ""
			if s, ok := r.Stats[q]; ok {
				mean = number(s.Mean)
				if s.N > 1 {
					sd = number(s.SD)
				}
			}
			line = append(line, mean, sd)
		}
		line = append(line, known(r.Ratios, Predicted), known(r.PaperRatios, Predicted),
			known(r.Ratios, Seconds), known(r.PaperRatios, Seconds))
		tail := make([]string, 5)
		if p := r.Paper; p != nil {
			copy(tail, []string{number(p.PeakMB), number(p.Seconds), number(p.Accuracy)})
		}
		if r.Best != nil {
			tail[3], tail[4] = strconv.FormatUint(r.Best.Seed, 10), r.Best.Genotype
		}
		lines = append(lines, append(line, tail...))
	}
	return csvBytes(lines)
}

// RunsCSV has a line per run.
func (t Table) RunsCSV() []byte {
	header := []string{"data", "method", "seed", "state"}
	for _, q := range t.Quantities() {
		header = append(header, string(q))
	}
	if t.Ranking != nil {
		header = append(header, "place")
	}
	lines := [][]string{append(header, "genotype", "error")}
	for _, o := range t.Runs {
		line := []string{o.Data, o.Method, strconv.FormatUint(o.Seed, 10), string(o.State)}
		for _, q := range t.Quantities() {
			line = append(line, known(o.Values, q))
		}
		if t.Ranking != nil {
			line = append(line, o.PlaceText())
		}
		lines = append(lines, append(line, o.Genotype, o.Error))
	}
	return csvBytes(lines)
}

// PlaceText is the place in the ranking; empty if there is none.
func (o Outcome) PlaceText() string {
	if o.Place == 0 {
		return ""
	}
	return strconv.Itoa(o.Place)
}

// number prints a float so that it reads back exactly.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func known(m map[Quantity]float64, q Quantity) string {
	if v, ok := m[q]; ok {
		return number(v)
	}
	return ""
}

func csvBytes(lines [][]string) []byte {
	var b bytes.Buffer
	_ = csv.NewWriter(&b).WriteAll(lines) // a bytes.Buffer takes everything
	return b.Bytes()
}

// Write writes table.md, table.csv, table.json and runs.csv into a folder, each as a whole.
func (t Table) Write(dir string) error {
	j, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("table: %w", err)
	}
	for _, f := range []struct {
		name    string
		content []byte
	}{{"table.md", t.Markdown()}, {"table.csv", t.CSV()}, {"table.json", append(j, '\n')},
		{"runs.csv", t.RunsCSV()}} {
		if err := file.Write(filepath.Join(dir, f.name), f.content, 0o644); err != nil {
			return fmt.Errorf("table: %w", err)
		}
	}
	return nil
}
