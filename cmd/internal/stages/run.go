// Package stages runs the stages of an experiment in a run's folder: pruning, search, retraining.
package stages

import (
	"context"
	"fmt"
	"path/filepath"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/judge"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/search/data"
)

// Run is an experiment at work.
type Run struct {
	settings.Resolved
	Console *terminal.Console
	Device  *device.Device
	Dir     rundir.Dir
	Need    memory.Need // predicted before the run begins
	// Forecast is how long the run takes, predicted before it begins.
	Forecast forecast.Forecast

	// Ranks share the run. All of them make its steps; the first writes the folder and speaks.
	Ranks ranks.Group
	// IgnoreMemory runs even if the prediction exceeds the available memory.
	IgnoreMemory bool

	judge       judge.Source // nil without --surrogate and --truth
	judgedBy    string       // its file
	undrawn     bool         // the page could not be drawn, and the user knows
	train, test *data.Set
	ranking     map[int][]float32 // weights of the trained ranking networks, by repeat
	unlock      func()
	clock       *forecast.Clock
}

// Options say how a run begins.
type Options struct {
	Dry          bool // it does not begin
	IgnoreMemory bool
	Ranks        ranks.Group // that share it; nil is a process alone
}

// Prepare reads the images of an experiment, checks what only they decide, opens the device, and predicts
// the memory. A dry run is only warned. Nothing is written. Close the run. If it fails on one rank it fails on all.
func Prepare(ctx context.Context, r settings.Resolved, o Options, p *terminal.Console) (*Run, error) {
	run, err := prepare(ctx, r, o, p)
	if agreed := Agree(ranks.Of(o.Ranks), err); agreed != nil {
		if err == nil {
			run.Close()
		}
		return nil, agreed
	}
	if err := run.connect(); err != nil {
		run.Close()
		return nil, err
	}
	return run, nil
}

func prepare(ctx context.Context, r settings.Resolved, o Options, p *terminal.Console) (*Run, error) {
	run := &Run{Resolved: r, Console: p, Ranks: ranks.Of(o.Ranks), IgnoreMemory: o.IgnoreMemory || o.Dry}
	testing := 0
	if r.Method == "" {
		testing = images.GeneratedTest
	}
	var err error
	terminal.Doing(ctx, "reading images")
	if run.train, run.test, err = images.Load(ctx, &run.Images, r.Seed, testing, p); err != nil {
		return nil, err
	}
	if err := run.Unchanged(); err != nil {
		return nil, err
	}
	if err := run.CheckImages(); err != nil {
		return nil, err
	}
	settings.WarnThreads(run.Experiment.Device.Threads, p)
	if run.Device, err = device.Reach(&run.Experiment, o.Dry, p); err != nil {
		return nil, err
	}
	terminal.Doing(ctx, "predicting the memory")
	parts, err := memory.Demands(run.Experiment)
	if err == nil {
		run.Need, err = memory.NeedOf(parts, run.available())
	}
	if !run.Experiment.Device.GPU {
		run.Need = run.Need.WithThreads(run.Experiment.Device.Threads)
	}
	if err == nil {
		err = run.Need.Guard(p, run.IgnoreMemory)
	}
	if err == nil {
		err = run.Need.Limits(run.Experiment.Device, p, run.IgnoreMemory)
	}
	if err != nil {
		run.Close()
		return nil, err
	}
	return run, nil
}

// Open opens the runtime, the surrogate if one judges, and the run's folder: the one to resume, or a new one
// that holds the settings. Only the first rank has a folder.
func (r *Run) Open(ctx context.Context, resume, out string) error {
	return Agree(r.Ranks, r.open(ctx, resume, out))
}

func (r *Run) open(ctx context.Context, resume, out string) (err error) {
	if err = ort.Open(""); err == nil {
		err = r.Device.OpenArena()
	}
	if err != nil {
		return err
	}
	if !r.leads() {
		r.Dir = rundir.Nowhere
		return nil
	}
	x := r.Execution
	r.judge, r.judgedBy, err = judge.Judging{Surrogate: x.Surrogate, Truth: x.Truth, Column: x.TruthColumn,
		Data: r.Experiment.Images.Name, Space: r.Space.Of(), Threads: r.Experiment.Device.Threads}.Open(ctx)
	if err != nil {
		return err
	}
	saved := r.Experiment
	if saved.Images.Folder != "" { // a resumed run finds it from wherever it is resumed
		if saved.Images.Folder, err = filepath.Abs(saved.Images.Folder); err != nil {
			return fmt.Errorf("--data: %w", err)
		}
	}
	if r.Dir, r.unlock, err = rundir.Open(resume, out, r.Command, saved); err != nil {
		return err
	}
	if err := r.KeepCosts(r.Dir); err != nil {
		return err
	}
	library, err := ort.Describe()
	if err != nil {
		return err
	}
	return r.Dir.Started(settings.Program, library.Version)
}

// Close gives the folder and the device back.
func (r *Run) Close() {
	if r.unlock != nil {
		r.unlock()
	}
	if r.judge != nil {
		r.judge.Close()
	}
	r.disconnect()
	r.Device.Close()
}

// judged is the verdict on what the folder holds, if the run has a surrogate.
func (r *Run) judged(ctx context.Context) (*judge.Report, error) {
	if r.judge == nil {
		return nil, nil
	}
	return judge.Folder(ctx, r.judge, r.judgedBy, string(r.Dir), r.Console)
}

// Finish ends the run with its error, if any: it says how to go on, and removes the folder of a run that
// found nothing.
func (r *Run) Finish(err error) error {
	if !r.leads() {
		return err
	}
	err = r.Dir.Finish(err)
	if rundir.Exists(r.Dir.Path("config.json")) {
		r.draw()
	}
	return r.Dir.Resumable(r.Command, r.Console, err)
}

// draw writes the page of the run. Results do not depend on it: a failure is told once and ends nothing.
func (r *Run) draw() {
	if !r.leads() {
		return
	}
	if err := report.Write(string(r.Dir)); err != nil && !r.undrawn {
		r.undrawn = true
		r.Console.Warn("%v", err)
	}
}

// guard checks the memory of a stage again, when its mask is known and is not the one that Prepare has
// planned with.
func (r *Run) guard(s settings.Stage, mask space.Mask) error {
	if likely, err := r.LikelyMask(); err == nil && likely == mask {
		return nil
	}
	need, err := memory.NeedOf([]memory.Demand{memory.Of(r.Experiment, s, mask)}, r.available())
	if err == nil {
		err = need.Guard(r.Console, r.IgnoreMemory)
	}
	err = Agree(r.Ranks, err)
	if err == nil {
		return nil
	}
	return &terminal.Hinted{Text: err.Error(), Hint: fmt.Sprintf("the mask is saved: --mask %s with "+
		"a batch that fits reuses the pruning", r.Dir.Path("mask.json"))}
}

// explain completes the error of a stage that ran out of a GPU's memory.
func (r *Run) explain(err error, s settings.Stage, mask space.Mask) error {
	return r.Device.Explain(err, memory.Of(r.Experiment, s, mask))
}

// damaged reports a checkpoint that cannot be used.
func damaged(p *terminal.Console) func(error) {
	return func(err error) { p.Say("%v; using the checkpoint before it", err) }
}

// resuming tells where a resumed stage starts.
func resuming(p *terminal.Console, epoch, step, epochs int) {
	if epoch == epochs {
		p.Say("all epochs are done")
		return
	}
	p.Say("resuming at epoch %d, step %d", epoch+1, step+1)
}
