package cells

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
)

// rankedCells are runs on two data sets with the accuracies of their small networks; the best of each is free.
func rankedCells() (list []Cell) {
	for i, accuracy := range []string{"0.25", "0.75", "0.75", "0.5"} {
		c := Cell{Data: []string{"a", "a", "a", "b"}[i], Method: "zos", Seed: uint64(i + 1), Phases: []Phase{
			{Name: Search, State: Done, Result: json.RawMessage(`{"genotype_text":"g","valid_accuracy":0.5}`)},
			{Name: Small, State: Done, Result: json.RawMessage(`{"test_accuracy":` + accuracy + `}`)},
			{Name: Retrain, State: Waiting}}}
		if i == 0 || i == 2 {
			c = c.Holding(LeftOut)
		}
		list = append(list, c)
	}
	return list
}

// The accuracy of the small network ranks within a data set, is no test accuracy, and what was left out is said.
func TestRank(t *testing.T) {
	var runs []Outcome
	for _, c := range rankedCells() {
		runs = append(runs, check.Must(c.Outcome())(t))
	}
	Rank(runs)
	for i, place := range []int{3, 1, 2, 1} { // of equal ones the first is better
		o := runs[i]
		if _, tested := o.Values[Test]; o.Place != place || tested || o.Values[Valid] != 50 {
			t.Errorf("run %d: place %d, want %d; values %v", i, o.Place, place, o.Values)
		}
	}
	tab := NewTable(runs)
	tab.Ranking = &Ranking{By: "tiny networks", Keep: 1}
	golden(t, "ranked.md", tab.Markdown())
	golden(t, "ranked.csv", tab.CSV())
	golden(t, "ranked-runs.csv", tab.RunsCSV())
	if tab.Rows[0].Left != 2 || tab.Rows[1].Left != 0 {
		t.Errorf("left out: %d and %d", tab.Rows[0].Left, tab.Rows[1].Left)
	}
	for i := range runs {
		runs[i].Place = 0
	}
	if note := tab.Ranking.note("a", runs); !strings.Contains(note, "retraining waits") {
		t.Errorf("before the ranking: %s", note)
	}
}

// A phase that is held does not begin, keeps what an earlier attempt has left, and goes on once it is free.
func TestHold(t *testing.T) {
	list := phases("ok", "wait", "ok")
	list[1].Name, list[2].Name = Small, Retrain
	list[1].Args[0] = "ok"
	c, dir := prepared(t, list...)
	root := rootOf(dir)
	run := func(c Cell, want State, attempts int) Cell {
		t.Helper()
		if err := c.Prepare(root); err != nil {
			t.Fatal(err)
		}
		c = check.Must(runner(t).Run(t.Context(), dir))(t)
		if c.State() != want || c.Err() != "" || c.Phases[2].Attempts != attempts {
			t.Errorf("the cell is %s after %d attempts (%s), want %s after %d", c.State(), c.Phases[2].Attempts, c.Err(), want, attempts)
		}
		return c
	}
	run(c.Holding(Held), Held, 0)
	c = check.Must(c.Holding(Held).Adopt(root))(t)
	if c.State() != Held || c.Phases[1].State != Done {
		t.Errorf("taken up again it is %s", c.State())
	}
	run(c.Holding(LeftOut), LeftOut, 0)
	c = check.Must(c.Holding("").Adopt(root))(t) // a sweep that keeps all
	run(c, Done, 1)
	if read := check.Must(ReadCell(filepath.Join(root, c.ID())))(t); read.State() != Done {
		t.Errorf("the status file says %s", read.State())
	}
}
