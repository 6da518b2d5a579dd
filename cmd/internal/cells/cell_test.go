package cells

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"zos-ort/graphgen/check"
)

// What was done before is adopted, unless it was something else.
func TestAdopt(t *testing.T) {
	c, dir := prepared(t, phases("ok", "ok")...)
	if _, err := runner(t).Run(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	root := rootOf(dir)
	for settings, want := range map[string]string{
		`{"rate":0.5,"device":{"threads":4},"program":"v2","images":{"data":"/elsewhere"}}`: "",
		`{"rate":0.25,"device":{"threads":2}}`:                                              "rate was 0.5, now it is 0.25",
		`{"rate":0.5,"layers":[1,2]}`:                                                       "layers was missing, now it is [1,2]",
		`{}`:                                                                                "rate was 0.5, now it is missing",
	} {
		wanted := c
		wanted.Phases = phases("ok", "ok")
		wanted.Phases[0].Settings = json.RawMessage(settings)
		got, err := wanted.Adopt(root)
		if want != "" {
			check.Error(t, err, "phase0", want, "status.json")
			continue
		}
		if err != nil || got.State() != Done {
			t.Errorf("%s: %v, %+v", settings, err, got)
		}
	}
	if read := check.Must(ReadCell(dir))(t); read.State() != Done {
		t.Error("the status file was written")
	}
}

// A phase may be added to a cell that is done, and left away again without losing its result.
func TestAdoptPhases(t *testing.T) {
	c, dir := prepared(t, phases("ok")...)
	root := rootOf(dir)
	if _, err := runner(t).Run(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	c.Phases = phases("ok", "ok")
	c = check.Must(c.Adopt(root))(t)
	if c.Phases[0].State != Done || c.State() != Waiting {
		t.Errorf("with a new phase: %+v", c)
	}
	if err := c.Prepare(root); err != nil {
		t.Fatal(err)
	}
	if _, err := runner(t).Run(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	c.Phases = phases("ok")
	if c = check.Must(c.Adopt(root))(t); len(c.Phases) != 2 || c.State() != Done {
		t.Errorf("without it: %+v", c)
	}
	c.Seed = 4
	c.Phases = phases("ok")
	if c = check.Must(c.Adopt(root))(t); c.State() != Waiting {
		t.Errorf("another seed: %+v", c)
	}
}

// A cell that was interrupted goes on with the threads that it began with.
func TestAdoptThreads(t *testing.T) {
	for state, want := range map[State]int{Interrupted: 2, Running: 2, Failed: 8, Waiting: 2, Done: 8} {
		list := phases("ok")
		list[0].Attempts = 1
		c, dir := prepared(t, list...)
		c.Phases[0].State = state
		if err := c.write(dir); err != nil {
			t.Fatal(err)
		}
		c.Phases, c.Threads = phases("ok"), 8
		if c = check.Must(c.Adopt(rootOf(dir)))(t); c.Threads != want {
			t.Errorf("%s: %d threads, want %d", state, c.Threads, want)
		}
	}
}

func TestReadCellErrors(t *testing.T) {
	for content, want := range map[string]string{"{": "unexpected", `{"extra":1}`: "extra",
		`{"schema":"zos-ort/other","version":1}`: "zos-ort/other"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "status.json"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := ReadCell(dir)
		check.Error(t, err, "status.json", want)
		_, err = runner(t).Run(t.Context(), dir)
		check.Error(t, err, "status.json", want)
	}
}
