package stages

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/search/train"
)

// Estimate predicts how long the run takes, before it begins, and starts the clock. All that is predicted is timed; a
// run that takes seconds only if all is set. All ranks time their steps at the same time, and end together if one of
// them is told to.
func (r *Run) Estimate(ctx context.Context, all bool) (err error) {
	silent := r.Console.Silent() // of the rank that speaks
	if err := ranks.Share(r.Ranks, &silent, 0); err != nil {
		return err
	}
	if silent && !all { // nobody reads it, and counting takes the programs
		r.Forecast.Why = "not timed"
		return nil
	}
	terminal.Doing(ctx, "timing the steps of the run")
	test := 0
	if r.test != nil {
		test = r.test.Len()
	}
	why, err := r.untimed()
	if err != nil {
		return err
	}
	if why == "" {
		together := ranks.NewTogether(ctx, r.Ranks)
		defer together.End()
		r.Forecast, err = forecast.Of(ctx, r.Experiment, test, r.Device, all, r.Ranks)
		if lost := together.Agree(); lost != nil {
			return lost
		}
		if together.Err() != nil {
			return together.Err()
		}
		if err != nil {
			why = "unknown: " + terminal.OneLine(err.Error())
		}
	}
	if why != "" { // what hinders the timing hinders the run, which says so; a dry run is only told
		if r.Forecast, err = forecast.Guess(r.Experiment, test, why); err != nil {
			return err
		}
	}
	r.clock = forecast.NewClock(r.Forecast)
	r.Console.TellsTime()
	return nil
}

// replan corrects the clock of a search whose mask is known.
func (r *Run) replan(mask space.Mask) error {
	if r.clock == nil {
		return nil
	}
	f, err := r.Forecast.WithMask(mask)
	r.clock.Plan(f)
	return err
}

// crowd are the threads a processor up to which steps are timed.
const crowd = 4

// untimed says why no step is timed, on one of the ranks; empty if they are.
func (r *Run) untimed() (string, error) {
	list := make([]string, r.Ranks.Size())
	list[r.Ranks.Rank()] = r.hindered()
	for rank := range list {
		if err := ranks.Share(r.Ranks, &list[rank], rank); err != nil {
			return "", err
		}
	}
	return cmp.Or(list...), nil
}

// hindered is why this process does not time steps.
func (r *Run) hindered() string {
	if r.Device.CUDA != nil && r.Device.Meter == nil {
		return "unknown: the GPU is not here"
	}
	if n := r.Need; n.Bytes > 0 && n.Peak+n.Stacks > n.Bytes {
		return "unknown: the run does not fit into the memory"
	}
	if n, have := r.Experiment.Device.Threads, host.Processors(); n > crowd*have { // steps would take too long to time them
		return fmt.Sprintf("unknown: %d threads share %s", n, terminal.Count(have, "processor"))
	}
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		return "unknown: ONNX Runtime is missing"
	} else if err != nil {
		return "unknown: " + terminal.OneLine(err.Error())
	}
	return ""
}

// networkClock tells the clock of the networks of a pruning.
type networkClock struct {
	run        *Run
	span, done int
}

// start begins a round, of which so many networks are left.
func (c *networkClock) start(round, networks int) {
	c.span, c.done = round-1, max(0, c.run.Forecast.Steps(forecast.Pruning, round-1)-networks)
}

// step counts a network and says what is left.
func (c *networkClock) step() string {
	c.done++
	c.run.clock.At(forecast.Pruning, c.span, c.done, false)
	return c.run.left()
}

// showStep moves the progress bar of an epoch, which is that of a part of the run in its spans.
func showStep(r *Run, part string, span int, p train.Progress) {
	r.clock.At(part, span, p.Step, p.Decides)
	what, steps := "epoch", p.Steps
	if p.Decides {
		what, steps = "decision", -1 // a spinner: how many trials it takes is not known
	}
	if p.Step == 1 {
		r.Console.Start(steps, fmt.Sprintf("%s %d", what, p.Epoch+1))
	}
	r.Console.Step(fmt.Sprintf("%s %d%s, loss %.3f, accuracy %.2f%s", what, p.Epoch+1, r.left(), p.Loss, p.Accuracy,
		r.Device.Meter.Now()))
}

// left is what the run still takes, for a progress bar.
func (r *Run) left() string {
	if text := r.clock.String(); text != "" {
		return ", " + text
	}
	return ""
}
