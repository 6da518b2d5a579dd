package sweeping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
)

// timer predicts how long runs take by steps that it times on this machine: once for runs that differ in their seed alone.
type timer struct {
	known   map[string]float64
	console *terminal.Console
}

// cell is how long the experiments of a cell take, one after the other, but for one that a ranking holds.
func (t timer) cell(ctx context.Context, p plannedCell) (seconds float64, err error) {
	for _, phase := range p.Phases {
		if phase.Hold != "" {
			continue
		}
		var e settings.Experiment
		if err := json.Unmarshal(phase.Settings, &e); err != nil {
			return 0, err
		}
		if e.Method == "" {
			e.Retraining.Genotype = p.standIn
		}
		test := p.test
		if e.Images.HoldOut {
			test = e.Images.Train - e.Images.Trained()
		}
		s, err := t.experiment(ctx, e, test)
		if err != nil {
			return 0, err
		}
		seconds += s
	}
	return seconds, nil
}

func (t timer) experiment(ctx context.Context, e settings.Experiment, test int) (float64, error) {
	same := e // but for the seed and what it draws
	same.Seed, same.Images = 0, settings.Images{Train: e.Images.Train, Size: e.Images.Size, Classes: e.Images.Classes,
		HoldOut: e.Images.HoldOut}
	key, err := json.Marshal(same)
	if err != nil {
		return 0, err
	}
	if s, ok := t.known[string(key)]; ok {
		return s, nil
	}
	d, err := device.Open(&e, t.console)
	if err != nil {
		return 0, err
	}
	defer d.Close()
	f, err := forecast.Of(ctx, e, test, d, true, nil)
	if err == nil {
		t.known[string(key)] = f.Seconds()
	}
	return f.Seconds(), err
}

// durations times what the cells compute; why says what hinders it, or that the runs are for another machine.
func (x *Matrix) durations(ctx context.Context, p *terminal.Console) (list []float64, why string, err error) {
	if x.Executor != Local {
		return nil, "not timed: the runs are for other machines", nil
	}
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		return nil, "unknown: ONNX Runtime is missing", nil
	} else if err != nil {
		return nil, "unknown: " + terminal.OneLine(err.Error()), nil
	}
	t := timer{map[string]float64{}, p}
	defer p.Stop()
	p.Start(len(x.cells), "timing steps of the runs")
	for _, c := range x.cells {
		s := 0.
		if c.refused == "" {
			if s, err = t.cell(ctx, c); ctx.Err() != nil {
				return nil, "", ctx.Err()
			} else if err != nil {
				return nil, "unknown: " + terminal.OneLine(err.Error()), nil
			}
		}
		p.Step("")
		list = append(list, s)
	}
	return list, "", nil
}

// total says how long all runs take that are not done.
func (x *Matrix) total(list []float64, todo func(i int) bool) string {
	sum, longest := 0., 0.
	for i, s := range list {
		if todo(i) {
			sum, longest = sum+s, max(longest, s)
		}
	}
	text := fmt.Sprintf("the runs take about %s one after the other", terminal.Duration(sum))
	if x.Jobs > 1 {
		text += fmt.Sprintf(", %s as %d jobs", terminal.Duration(max(longest, sum/float64(x.Jobs))), x.Jobs)
	}
	return text + " (by steps timed here)"
}
