package cells

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
)

// cells are those of a small sweep: two methods of the paper on one of its data sets and one of the
// user's, a baseline without accuracy, a failure.
func cells() []Cell {
	search := func(valid string, seconds float64) Phase {
		r := `{"genotype_text":"Genotype(` + valid + `)","seconds":{"prune":1,"search":` + number(seconds-1) + `}`
		if valid != "" {
			r += `,"valid_accuracy":` + valid
		}
		return Phase{Name: "search", State: Done, PeakRSS: 300e6, Result: json.RawMessage(r + "}")}
	}
	retrain := func(test string) Phase {
		return Phase{Name: "retrain", State: Done, PeakRSS: 500e6,
			Result: json.RawMessage(`{"test_accuracy":` + test + `}`)}
	}
	failed := Phase{Name: "search", State: Failed, Error: "no | memory"}
	waiting := Phase{Name: "retrain", State: Waiting}
	return []Cell{
		{Data: "cifar-10", Method: "darts", Seed: 1, Steps: 20e6, Phases: []Phase{search("0.5", 10), retrain("0.75")}},
		{Data: "cifar-10", Method: "darts", Seed: 2, Steps: 20e6, Phases: []Phase{search("0.5", 10), retrain("0.75")}},
		{Data: "cifar-10", Method: "zos", Seed: 1, Steps: 5e6, Phases: []Phase{search("0.5", 4), retrain("0.5")}},
		{Data: "cifar-10", Method: "zos", Seed: 2, Steps: 5e6, Phases: []Phase{search("0.25", 6), retrain("0.75")}},
		{Data: "cifar-10", Method: "zos", Seed: 3, Steps: 5e6, Phases: []Phase{failed, waiting}},
		{Data: "own", Method: "random", Seed: 1, Phases: []Phase{search("", 1), waiting}},
	}
}

func table(t *testing.T) Table {
	t.Helper()
	var runs []Outcome
	for _, c := range cells() {
		runs = append(runs, check.Must(c.Outcome())(t))
	}
	return NewTable(runs)
}

func TestTable(t *testing.T) {
	tab, dir := table(t), t.TempDir()
	if err := tab.Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"table.md", "table.csv", "runs.csv", "table.json"} {
		golden(t, name, check.Must(os.ReadFile(filepath.Join(dir, name)))(t))
	}
	for _, content := range [][]byte{tab.CSV(), tab.RunsCSV()} {
		if _, err := csv.NewReader(bytes.NewReader(content)).ReadAll(); err != nil {
			t.Error(err)
		}
	}
}

func TestStatistics(t *testing.T) {
	s := Summarize([]float64{2, 4, 4, 4, 5, 5, 7, 9}) // deviations sum to 32
	check.Close(t, "mean and deviation", []float64{s.Mean, s.SD}, []float64{5, 2.1380899352993952}, 0, 1e-15)
	if one := Summarize([]float64{3}); one != (Summary{N: 1, Mean: 3}) {
		t.Errorf("one value: %+v", one)
	}
	zos := table(t).find("cifar-10", "zos")
	check.Close(t, "ratios", []float64{zos.Ratios[Predicted], zos.Ratios[Seconds], zos.PaperRatios[Predicted],
		zos.PaperRatios[Seconds]}, []float64{.25, .5, 4124. / 21593, 15175. / 22924}, 0, 1e-12)
	if zos.Best.Seed != 2 || zos.Runs != 2 || zos.Failed != 1 {
		t.Errorf("best seed %d of %d runs, %d failed; want 2 of 2 and 1", zos.Best.Seed, zos.Runs, zos.Failed)
	}
}

func TestOutcomeErrors(t *testing.T) {
	c := cells()[0]
	c.Phases[1].Result = json.RawMessage(`[]`)
	_, err := c.Outcome()
	check.Error(t, err, "retrain of darts on cifar-10, seed 1")
}

// Charts are drawn of what was measured, and can be read.
func TestDraw(t *testing.T) {
	dir := t.TempDir()
	files := check.Must(table(t).Draw(dir))(t)
	if len(files) != 2*(len(charts)-1) {
		t.Errorf("drew %v", files)
	}
	for _, f := range files {
		content := check.Must(os.ReadFile(filepath.Join(dir, f)))(t)
		if strings.HasSuffix(f, ".png") {
			if _, err := png.Decode(bytes.NewReader(content)); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		} else if !bytes.Contains(content, []byte("pc-darts")) && !bytes.Contains(content, []byte("zos")) {
			t.Errorf("%s does not name the methods", f)
		}
	}
	only := NewTable([]Outcome{{Data: "own", Method: "random", Values: map[Quantity]float64{Seconds: 1}}})
	if files := check.Must(only.Draw(dir))(t); len(files) != 2 {
		t.Errorf("of one quantity drew %v", files)
	}
}
