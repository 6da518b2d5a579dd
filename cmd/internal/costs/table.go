package costs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/models/space"
)

// Schema and Version of the document.
const (
	Schema  = "zos-ort/costs"
	Version = 1
)

// Table is what the operations of a space take at every place of a network on a machine. A network takes a fixed time
// and, times a scale, the sum of its operations.
type Table struct {
	Schema  string `json:"schema"`
	Version int    `json:"version"`
	Program string `json:"program"` // version of zos-ort
	Date    string `json:"date"`
	Host    string `json:"host"`
	CPU     string `json:"processor"`
	Setting
	Fixed  *float64 `json:"fixed_ms"`
	Scale  *float64 `json:"scale"`
	Places []Row    `json:"operations"`
	Check  *Check   `json:"check,omitempty"`
}

// Row is an operation at a place.
type Row struct {
	Operation string   `json:"operation"`
	Channels  int      `json:"channels"`
	Side      int      `json:"side"`
	Stride    int      `json:"stride"`
	Latency   *float64 `json:"ms"` // without the scale
}

// Check says how well latencies of random networks are predicted.
type Check struct {
	Networks int      `json:"networks"`
	Spearman *float64 `json:"spearman,omitempty"` // none if all are equal
	Mean     float64  `json:"mean_relative_error"`
	Worst    float64  `json:"worst_relative_error"`
	Rows     []Sample `json:"samples"`
}

// Sample is a network that was measured.
type Sample struct {
	Genotype  string  `json:"genotype"`
	Predicted float64 `json:"predicted_ms"`
	Measured  float64 `json:"measured_ms"`
}

// mostLatency is more than a network takes, in milliseconds.
const mostLatency = 1e9

// latency checks a time in milliseconds.
func latency(what string, ms *float64) error {
	if ms == nil {
		return fmt.Errorf("%s is missing", what)
	}
	if !(*ms >= 0 && *ms < mostLatency) {
		return fmt.Errorf("%s is %v: a latency is a number of milliseconds, not negative", what, *ms)
	}
	return nil
}

// Costs are the latencies of the networks in milliseconds.
func (t *Table) Costs() (*space.Costs, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	by := map[space.Place]float64{}
	for i, x := range t.Space.Of().Places(t.Size(), t.Image) {
		by[x.Place] = *t.Scale * *t.Places[i].Latency
	}
	return t.Space.Of().SumCosts(t.Size(), t.Image, *t.Fixed, func(p space.Place) float64 { return by[p] }), nil
}

// Validate checks that the table has a latency for every place of its network, and for nothing else.
func (t *Table) Validate() error {
	if err := t.Setting.Check(); err != nil {
		return err
	}
	if err := latency("fixed_ms", t.Fixed); err != nil {
		return err
	}
	if t.Scale == nil || !(*t.Scale > 0 && *t.Scale < 1e6) {
		return fmt.Errorf("scale is missing or not a positive number")
	}
	want := t.Space.Of().Places(t.Size(), t.Image)
	if len(t.Places) != len(want) {
		return fmt.Errorf("%d operations, the network of %s has %d", len(t.Places), t.Setting, len(want))
	}
	sum := *t.Fixed
	for i, x := range want {
		row := t.Places[i]
		if row.place() != RowOf(x.Place) {
			return fmt.Errorf("operations[%d] is %s, the network has %s there", i, row, RowOf(x.Place))
		}
		if err := latency(fmt.Sprintf("operations[%d].ms (%s)", i, row), row.Latency); err != nil {
			return err
		}
		sum += *t.Scale * *row.Latency * float64(x.Edges)
	}
	if math.IsInf(sum, 0) {
		return fmt.Errorf("the latencies add up to no finite number")
	}
	return nil
}

// RowOf is the row of a place, without a latency.
func RowOf(p space.Place) Row {
	return Row{Operation: p.Op.String(), Channels: p.Channels, Side: p.Side, Stride: p.Stride}
}

func (r Row) place() Row {
	r.Latency = nil
	return r
}

// String names the place.
func (r Row) String() string {
	return fmt.Sprintf("%.40s with %d channels on %dx%d, stride %d", r.Operation, r.Channels, r.Side, r.Side, r.Stride)
}

// Parse reads a table strictly. The path is for error texts.
func Parse(path string, content []byte) (*Table, error) {
	t := new(Table)
	if err := rundir.Decode(path, content, Schema, Version, t); err != nil {
		return nil, err
	}
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// mostBytes is more than any table has: of 32 operations at all places of 256 cells.
const mostBytes = 16 << 20

// Read reads the file of a table.
func Read(path string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("costs: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err == nil && len(b) > mostBytes {
		err = fmt.Errorf("it has more than %d bytes", mostBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("costs %s: %w", path, err)
	}
	return Parse(path, b)
}

// Text is the document.
func (t *Table) Text() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(t)
	return b.Bytes(), err
}

// Fit refuses a table of other networks than those of a run.
func (t *Table) Fit(s space.Ref, size space.Size, image int) error {
	want := t.Setting
	want.Space, want.Channels, want.Cells, want.Image = s, size.Channels, size.Cells, image
	if t.Setting == want {
		return nil
	}
	return fmt.Errorf("the latencies are those of %s, the run exports %s: measure them with zos-ort costs --measure "+
		"--space %s --channels %d --cells %d --image-size %d", t.Setting, want, s, size.Channels, size.Cells, image)
}
