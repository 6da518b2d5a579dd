// Package forecast predicts how long a run takes: it counts how often each program of a run is run, and times the
// programs once before the run begins. While the run goes on, a clock says how long it still takes.
package forecast

import (
	"fmt"
	"strings"

	"zos-ort/cmd/internal/terminal"
)

// Parts of a run, as they are told to people.
const (
	RankTraining = "training before the pruning"
	Pruning      = "pruning"
	Search       = "search"
	Selection    = "selection"
	Training     = "training"
)

// Span is an epoch or a round: so many steps, with what comes before and after them. Times are in seconds.
type Span struct {
	Steps               int
	Before, Step, After float64
	Trials              int // into which Before is divided, if the run reports them
}

func (s Span) seconds() float64 { return s.Before + float64(s.Steps)*s.Step + s.After }

// Part is a stage of a run.
type Part struct {
	What   string
	Spans  []Span
	AtMost bool // it may end early
}

// Seconds is how long the part takes.
func (p Part) Seconds() (sum float64) {
	for _, s := range p.Spans {
		sum += s.seconds()
	}
	return sum
}

// done is how much of its seconds a part has done with some steps, or trials before them, of a span.
func (p Part) done(span, steps int, trials bool) (sum float64) {
	for i, s := range p.Spans {
		switch {
		case i < span:
			sum += s.seconds()
		case i == span && trials:
			sum += s.Before * min(1, float64(steps)/float64(max(1, s.Trials)))
		case i == span && steps > 0:
			sum += s.Before + float64(min(steps, s.Steps))*s.Step
		}
	}
	return sum
}

// Forecast are the parts of a run in their order.
type Forecast struct {
	Parts    []Part
	Measured bool   // by timing the programs here
	Why      string // it is not measured

	stages []stage
	test   int // images
}

// Seconds is how long the run takes.
func (f Forecast) Seconds() (sum float64) {
	for _, p := range f.Parts {
		sum += p.Seconds()
	}
	return sum
}

// Steps are those of a span of a part; 0 if it has none.
func (f Forecast) Steps(what string, span int) int {
	for _, p := range f.Parts {
		if p.What == what && span < len(p.Spans) {
			return p.Spans[span].Steps
		}
	}
	return 0
}

// Map are the seconds of each part by its name, for machines; nil if they are not measured.
func (f Forecast) Map() map[string]float64 {
	if !f.Measured || len(f.Parts) == 0 {
		return nil
	}
	m := map[string]float64{}
	for _, p := range f.Parts {
		m[p.What] = p.Seconds()
	}
	return m
}

// String is the forecast for people.
func (f Forecast) String() string {
	if len(f.Parts) == 0 {
		return "nothing to compute"
	}
	if !f.Measured {
		return f.Why
	}
	var list []string
	for _, p := range f.Parts {
		most := ""
		if p.AtMost {
			most = "at most "
		}
		list = append(list, fmt.Sprintf("%s %s%s", p.What, most, terminal.Duration(p.Seconds())))
	}
	text := strings.Join(list, ", ")
	if len(list) > 1 {
		text += fmt.Sprintf("; in all about %s", terminal.Duration(f.Seconds()))
	}
	return text + " (by steps timed here)"
}
