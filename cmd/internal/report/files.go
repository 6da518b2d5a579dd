package report

import (
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"zos-ort/cmd/internal/rundir"
)

// shownTables are files that are shown as they are, with their titles.
var shownTables = []struct{ file, title string }{
	{"selection.csv", "Candidates of the last epochs and random architectures, each trained for a while"},
	{"groups.csv", "Judged: seeds together, in brackets 95 % intervals"},
	{"pairs.csv", "Judged: percentiles compared seed by seed"},
	{"genotypes.csv", "Judged: architectures among random ones"},
	{"masks.csv", "Judged: masks beside random masks of the same size"},
	{"mask_groups.csv", "Judged: masks of the seeds together"},
}

// foldedRows is the length from which on a table is folded.
const foldedRows = 24

func (r *run) loadTables(f *folder) {
	for _, s := range shownTables {
		t := f.csv(s.file)
		if len(t.rows) == 0 {
			continue
		}
		out := dataTable{Title: s.title, Header: t.header, Long: len(t.rows) > foldedRows}
		for _, row := range t.rows {
			out.Rows = append(out.Rows, plain(row))
		}
		r.Tables = append(r.Tables, out)
	}
	r.loadRank(f)
}

// loadRank reads the verdicts on rankers of rank.json.
func (r *run) loadRank(f *folder) {
	var x struct {
		Verdicts []map[string]any `json:"rankers"`
	}
	if r.Kind != "rank" || !f.json("rank.json", &x) || len(x.Verdicts) == 0 {
		return
	}
	t := dataTable{Title: "Rankers"}
	keys := []string{"ranker", "needs", "spearman", "kendall", "spearman_in_best_fifth", "agreement_of_repeats",
		"spearman_with_file", "seconds_per_architecture"}
	for _, k := range keys {
		t.Header = append(t.Header, strings.ReplaceAll(k, "_", " "))
	}
	for _, v := range x.Verdicts {
		var row []string
		for _, k := range keys {
			switch value := v[k].(type) {
			case nil:
				row = append(row, "-")
			case float64:
				row = append(row, fmt.Sprintf("%.3f", value))
			default:
				row = append(row, fmt.Sprint(value))
			}
		}
		t.Rows = append(t.Rows, plain(row))
	}
	r.Tables = append(r.Tables, t)
}

// loadRecord says how the run was started.
func (r *run) loadRecord(f *folder) {
	var x rundir.Record
	if !f.json("run.json", &x) {
		return
	}
	for _, s := range x.Starts {
		r.Starts = append(r.Starts, start{s.Time.Format("2006-01-02 15:04:05 MST"), commandLine(s.Command),
			fmt.Sprintf("zos-ort %s, %s, ONNX Runtime %s, %s, %d processors", s.Program, s.Go, s.Runtime, s.System, s.CPUs)})
	}
}

// commandLine can be pasted into a shell.
func commandLine(args []string) string {
	var words []string
	for _, a := range args {
		plain := func(c rune) bool {
			return c == '/' || c == '.' || c == '-' || c == '_' || c == '=' || c == ',' || c == ':' ||
				'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		}
		if a == "" || strings.ContainsFunc(a, func(c rune) bool { return !plain(c) }) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// most files that are listed.
const listedFiles = 60

// loadFiles lists the files of the run.
func (r *run) loadFiles(f *folder) {
	more := 0
	_ = filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be read is not listed
		}
		name, _ := filepath.Rel(f.dir, path)
		if d.IsDir() && slices.Contains([]string{"checkpoints", "genotypes", "mistakes", "cells", "masks"}, name) {
			return filepath.SkipDir
		}
		if d.IsDir() || strings.HasPrefix(d.Name(), ".") || name == FileName {
			return nil
		}
		if len(r.Files) == listedFiles {
			more++
			return nil
		}
		size := ""
		if info, err := d.Info(); err == nil {
			size = fileSize(info.Size())
		}
		r.Files = append(r.Files, file{name, (&url.URL{Path: filepath.ToSlash(name)}).String(), size})
		return nil
	})
	if more > 0 {
		r.Files = append(r.Files, file{Name: fmt.Sprintf("and %d more", more)})
	}
}

func fileSize(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return megabytes(float64(n))
}
