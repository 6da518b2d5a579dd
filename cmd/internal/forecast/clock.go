package forecast

import (
	"time"

	"zos-ort/cmd/internal/terminal"
)

// Clock says how long a run still takes. It begins with the forecast and corrects it by the time that the steps of the
// running part really take: what else the machine does slows all parts down.
type Clock struct {
	forecast Forecast
	now      func() time.Time

	part   int       // that runs
	begun  time.Time // the first step of it that this process made has ended
	span   int
	steps  int
	trials bool
	at     float64 // of the part's seconds, done
	worked float64 // of them, done since begun
}

// NewClock starts with a forecast.
func NewClock(f Forecast) *Clock { return &Clock{forecast: f, now: time.Now, part: -1} }

// Plan replaces what is to come, before a part of it runs.
func (c *Clock) Plan(f Forecast) {
	if c != nil {
		c.forecast = f
	}
}

// faith is by how many seconds of observed work a forecast is outweighed: little if nothing was measured.
func (c *Clock) faith() float64 {
	const measured, guessed = 5, .1
	if c.forecast.Measured {
		return measured
	}
	return guessed
}

// At notes that a part has made some steps of a span, or trials before its steps.
func (c *Clock) At(what string, span, steps int, trials bool) {
	if c == nil {
		return
	}
	i := c.find(what)
	if i < 0 {
		return
	}
	p := c.forecast.Parts[i]
	at := p.done(span, steps, trials)
	if i != c.part {
		c.part, c.begun, c.worked = i, c.now(), 0
	} else {
		c.worked += at - c.at - c.skipped(p, span)
	}
	c.span, c.steps, c.trials, c.at = span, steps, trials, at
}

// skipped is what the spans that have ended did not need.
func (c *Clock) skipped(p Part, span int) (sum float64) {
	if span <= c.span || c.span >= len(p.Spans) {
		return 0
	}
	s := p.Spans[c.span]
	if !c.trials {
		sum = float64(max(0, s.Steps-c.steps)) * s.Step
	}
	return sum
}

func (c *Clock) find(what string) int {
	for i, p := range c.forecast.Parts {
		if p.What == what {
			return i
		}
	}
	return -1
}

// Left is how many seconds the run still takes; false if no step has been made.
func (c *Clock) Left() (seconds float64, ok bool) {
	if c == nil || c.part < 0 {
		return 0, false
	}
	slower := (c.now().Sub(c.begun).Seconds() + c.faith()) / (c.worked + c.faith())
	seconds = c.forecast.Parts[c.part].Seconds() - c.at
	for _, p := range c.forecast.Parts[c.part+1:] {
		seconds += p.Seconds()
	}
	return slower * max(0, seconds), true
}

// String is what is left for a progress bar, such as "12 min left"; empty if nothing is known.
func (c *Clock) String() string {
	seconds, ok := c.Left()
	if !ok {
		return ""
	}
	return terminal.Duration(seconds) + " left"
}
