package forecast

import (
	"math"
	"testing"
	"time"
)

// planned is a run of a pruning of two rounds, and a search with a warm-up and decisions.
var planned = Forecast{Measured: true, Parts: []Part{
	{What: Pruning, Spans: []Span{{Steps: 100, Before: 2, Step: .3}, {Steps: 80, Before: 2, Step: .25}}},
	{What: Search, Spans: []Span{{Steps: 50, Before: 3, Step: 1, After: 5}, {Steps: 50, Step: 1.8, After: 5},
		{Steps: 50, Step: 1.8, After: 5}, {Steps: 5, Before: 20, Trials: 10, Step: 1.8, After: 5}}}}}

// live makes all steps of a forecast at a fake time, each slower by a factor of its part, and calls at after each.
func live(f Forecast, slower map[string]float64, settled int, at func(c *Clock, left float64)) {
	c, now := NewClock(f), time.Unix(0, 0)
	c.now = func() time.Time { return now }
	all := 0.
	for _, p := range f.Parts {
		all += slower[p.What] * p.Seconds()
	}
	for _, p := range f.Parts {
		wait := func(seconds float64) {
			all -= seconds * slower[p.What]
			now = now.Add(time.Duration(seconds * slower[p.What] * 1e9))
		}
		for i, s := range p.Spans {
			if s.Trials == 0 {
				wait(s.Before)
			}
			for n := range s.Trials {
				wait(s.Before / float64(s.Trials))
				c.At(p.What, i, n+1, true)
				at(c, all)
			}
			for n := range s.Steps {
				if settled > 0 && p.What == Pruning && n == settled { // a round that needs no more repeats
					all -= slower[p.What] * float64(s.Steps-n) * s.Step
					break
				}
				wait(s.Step)
				c.At(p.What, i, n+1, false)
				at(c, all)
			}
			wait(s.After)
		}
	}
}

// TestClockAgrees: from the first minute on what is said to be left is right within a quarter, though steps take up to
// three times as long as they took when they were timed, or half as long, and though a round ends early.
func TestClockAgrees(t *testing.T) {
	for name, c := range map[string]struct {
		slower  map[string]float64
		settled int
	}{"as timed": {map[string]float64{Pruning: 1, Search: 1}, 0}, "a slow search": {map[string]float64{Pruning: 1, Search: 3}, 0},
		"a fast one": {map[string]float64{Pruning: 1, Search: .5}, 0}, "settled": {map[string]float64{Pruning: 1, Search: 1}, 40}} {
		checked := 0
		var begun time.Time
		live(planned, c.slower, c.settled, func(clock *Clock, left float64) {
			if clock.part == 1 && begun.IsZero() {
				begun = clock.now()
			}
			if clock.part == 0 || clock.now().Sub(begun) < time.Minute || left < 10 { // of the part whose times are off
				return
			}
			got, ok := clock.Left()
			if !ok || math.Abs(got-left) > left/4 {
				t.Errorf("%s: %.0f s are left, the clock says %.0f", name, left, got)
			}
			checked++
		})
		if checked < 50 {
			t.Errorf("%s: %d steps looked at", name, checked)
		}
	}
}

// TestClockBelievesForecast: before a step has told anything, and of parts to come, the forecast counts.
func TestClockBelievesForecast(t *testing.T) {
	c := NewClock(planned)
	if c.String() != "" {
		t.Errorf("%q before the first step", c.String())
	}
	live(planned, map[string]float64{Pruning: 1, Search: 1}, 0, func(c *Clock, left float64) {
		if got, _ := c.Left(); math.Abs(got-left) > 1e-6*planned.Seconds() {
			t.Fatalf("%.3f s are left, the clock says %.3f", left, got)
		}
	})
	var none *Clock
	none.At(Search, 0, 1, false)
	if none.String() != "" {
		t.Error("no clock knows the time")
	}
	c.At("another part", 0, 1, false)
	if c.String() != "" {
		t.Error("a part that is not planned")
	}
}

// TestClockPlan: a plan that is corrected between two parts counts from there on.
func TestClockPlan(t *testing.T) {
	c, now := NewClock(planned), time.Unix(0, 0)
	c.now = func() time.Time { return now }
	c.At(Pruning, 1, 80, false)
	other := Forecast{Measured: true, Parts: []Part{planned.Parts[0], {What: Search, Spans: []Span{{Steps: 10, Step: 3}}}}}
	c.Plan(other)
	if got, _ := c.Left(); math.Abs(got-30) > 1e-9 {
		t.Errorf("%v s are left", got)
	}
	c.At(Search, 0, 4, false)
	if got, _ := c.Left(); math.Abs(got-18) > 1e-9 {
		t.Errorf("%v s are left after four steps", got)
	}
}

// TestClockGuesses: without timed steps, a part tells how fast the others are.
func TestClockGuesses(t *testing.T) {
	guess := planned
	guess.Measured = false
	checked := 0
	live(guess, map[string]float64{Pruning: 20, Search: 20}, 0, func(c *Clock, left float64) {
		if got, _ := c.Left(); c.at > 5 && left > 100 {
			checked++
			if math.Abs(got-left) > left/4 {
				t.Fatalf("%.0f s are left, the clock says %.0f", left, got)
			}
		}
	})
	if checked < 100 {
		t.Errorf("%d steps looked at", checked)
	}
}

// TestClockResumes: what an earlier process did does not count as time.
func TestClockResumes(t *testing.T) {
	c, now := NewClock(planned), time.Unix(0, 0)
	c.now = func() time.Time { return now }
	for n := 1; n <= 30; n++ {
		c.At(Search, 2, n, false)
		now = now.Add(1800 * time.Millisecond)
	}
	now = now.Add(-1800 * time.Millisecond)
	if got, _ := c.Left(); math.Abs(got-(20*1.8+5+20+9+5)) > 1 {
		t.Errorf("%.1f s are left", got)
	}
}

func TestForecastText(t *testing.T) {
	for want, f := range map[string]Forecast{
		"pruning 54 s, search 5 min; in all about 6 min (by steps timed here)": planned,
		"seconds":            {Parts: planned.Parts, Why: "seconds"},
		"nothing to compute": {},
		"pruning at most 54 s (by steps timed here)": {Measured: true, Parts: []Part{{What: Pruning, Spans: planned.Parts[0].Spans, AtMost: true}}},
	} {
		if got := f.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if f := (Forecast{Parts: planned.Parts}); f.Map() != nil {
		t.Error("a guess is told to machines")
	}
}
