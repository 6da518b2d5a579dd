package cells

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"zos-ort/models/file"
)

// State says how far a phase is.
type State string

// States of a phase. One that is Running in a file whose lock is free was killed.
const (
	Waiting     State = "waiting"
	Running     State = "running"
	Done        State = "done"
	Failed      State = "failed"
	Interrupted State = "interrupted"

	// Held and LeftOut are states of a phase that must not begin: the ranking of the sweep comes first, or it has kept
	// others.
	Held    State = "held"
	LeftOut State = "left out"
)

// Settled says that nothing is to be done, now that others are at work or nothing is.
func (s State) Settled() bool { return s == Done || s == LeftOut || s == Held }

// Names of the phases of a cell, in their order. Small trains what was found as a small network, by which runs are
// ranked.
const (
	Search  = "search"
	Small   = "small"
	Retrain = "retrain"
)

// Phase is one run of the program. In Args the text {cell} stands for the folder of the cell.
type Phase struct {
	Name     string          `json:"name"`
	Args     []string        `json:"arguments"` // without settings, output folder and threads
	Settings json.RawMessage `json:"settings"`  // of the run, which takes them as its config.json
	State    State           `json:"state"`
	Hold     State           `json:"hold,omitempty"` // why it must not begin: Held or LeftOut; it stands for State
	Error    string          `json:"error,omitempty"`
	Attempts int             `json:"attempts"`
	Seconds  float64         `json:"seconds"`        // of the last attempt
	PeakRSS  int64           `json:"peak_rss_bytes"` // of the last attempt; 0 if not known
	Result   json.RawMessage `json:"result,omitempty"`
}

// Cell is one run of the matrix; status.json holds it.
type Cell struct {
	Schema    string  `json:"schema"`
	Version   int     `json:"version"`
	Data      string  `json:"data"`
	Method    string  `json:"method"`
	Seed      uint64  `json:"seed"`
	Predicted int64   `json:"predicted_peak_bytes"`  // of the hungriest stage; 0: nothing runs
	Steps     int64   `json:"predicted_steps_bytes"` // of what the method runs on the supernet last
	Threads   int     `json:"threads"`               // of every process
	Phases    []Phase `json:"phases"`
}

const (
	cellSchema  = "zos-ort/sweep-cell"
	cellVersion = 2
	statusFile  = "status.json"
)

// ID is the cell's folder inside that of the sweep.
func (c Cell) ID() string {
	return filepath.Join("cells", c.Data, c.Method, fmt.Sprintf("seed-%d", c.Seed))
}

// String names the cell for people.
func (c Cell) String() string { return fmt.Sprintf("%s on %s, seed %d", c.Method, c.Data, c.Seed) }

// State is the state of the first phase that is not done.
func (c Cell) State() State {
	for _, p := range c.Phases {
		if p.State != Done {
			return cmp.Or(p.Hold, p.State)
		}
	}
	return Done
}

// Err is the error text of the first phase that is not done, if it has one.
func (c Cell) Err() string {
	for _, p := range c.Phases {
		if p.State != Done && p.Hold == "" {
			return p.Error
		}
	}
	return ""
}

// phase finds a phase by name.
func (c Cell) phase(name string) (Phase, bool) {
	for _, p := range c.Phases {
		if p.Name == name {
			return p, true
		}
	}
	return Phase{}, false
}

// Holding is the cell with its retraining held for a reason, or with "" free to begin.
func (c Cell) Holding(why State) Cell {
	c.Phases = append([]Phase(nil), c.Phases...)
	for i := range c.Phases {
		if c.Phases[i].Name == Retrain {
			c.Phases[i].Hold = why
		}
	}
	return c
}

// ReadCell reads the status of the cell in a folder, strictly. A folder without one is an error that
// is fs.ErrNotExist.
func ReadCell(dir string) (c Cell, err error) {
	path := filepath.Join(dir, statusFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("status of a cell: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if c.Schema != cellSchema || c.Version != cellVersion {
		return c, fmt.Errorf("%s holds %q version %d, this needs %q version %d", path, c.Schema, c.Version,
			cellSchema, cellVersion)
	}
	return c, nil
}

// write replaces the status of the cell in a folder as a whole.
func (c Cell) write(dir string) error {
	c.Schema, c.Version = cellSchema, cellVersion
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("status of %v: %w", c, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("status of %v: %w", c, err)
	}
	if err := file.Write(filepath.Join(dir, statusFile), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("status of %v: %w", c, err)
	}
	return nil
}

// Adopt compares a wanted cell with what its folder holds from before and takes over what was done.
// Other settings than before are an error that names the first field. Nothing is written.
func (c Cell) Adopt(root string) (Cell, error) {
	dir := filepath.Join(root, c.ID())
	old, err := ReadCell(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	phases := append([]Phase(nil), c.Phases...)
	for i, p := range phases {
		was, ok := old.phase(p.Name)
		if !ok {
			continue
		}
		if err := sameSettings(was.Settings, p.Settings); err != nil {
			return c, fmt.Errorf("%s of %v was started with other settings: %w (%s)", p.Name, c, err,
				filepath.Join(dir, statusFile))
		}
		if was.State != Done && was.State != Failed && was.Attempts > 0 {
			c.Threads = old.Threads // a resumed run keeps its number of threads, for the same bits
		}
		was.Args, was.Hold = p.Args, p.Hold
		phases[i] = was
	}
	for _, was := range old.Phases { // a phase that is not wanted now keeps its result
		if _, ok := c.phase(was.Name); !ok && was.State == Done {
			phases = append(phases, was)
		}
	}
	c.Phases = phases
	return c, nil
}

// Prepare writes the status of a cell that is about to run, with unfinished phases reset. A phase
// that failed starts over, one that was interrupted or killed resumes.
func (c Cell) Prepare(root string) error {
	dir := filepath.Join(root, c.ID())
	c.Phases = append([]Phase(nil), c.Phases...)
	for i := range c.Phases {
		p := &c.Phases[i]
		if p.State == Failed {
			if err := p.setAside(dir); err != nil {
				return fmt.Errorf("%s of %v: %w", p.Name, c, err)
			}
		}
		if p.State != Done {
			p.State, p.Error = Waiting, ""
		}
	}
	return c.write(dir)
}
