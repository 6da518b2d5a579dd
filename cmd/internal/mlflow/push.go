// Package mlflow pushes finished runs to an MLflow server by its REST interface. What the server has already is asked
// of it, and not sent again: an upload may be interrupted anywhere.
package mlflow

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
)

// Options say where runs go.
type Options struct {
	Server, Experiment string
	Files              bool // those of the run too
}

// Pushed is what an upload has sent; what the server had before does not count.
type Pushed struct {
	Run     string `json:"run"`
	ID      string `json:"run_id"`
	URL     string `json:"url"`
	Params  int    `json:"parameters_sent"`
	Metrics int    `json:"metrics_sent"`
	Tags    int    `json:"tags_sent"`
	Files   int    `json:"files_sent"`
}

// Target is a server that takes runs.
type Target struct {
	client     *client
	options    Options
	experiment experiment
	console    *terminal.Console
}

// Reach checks the address of a server, and finds or makes the experiment there.
func Reach(ctx context.Context, o Options, p *terminal.Console) (*Target, error) {
	c, err := newClient(o.Server)
	if err != nil {
		return nil, err
	}
	t := &Target{client: c, options: o, console: p}
	if t.experiment, err = c.experiment(ctx, o.Experiment); err == nil && o.Files {
		err = c.takesFiles(t.experiment.Location)
	}
	return t, err
}

// Server is the address without user and password.
func (t *Target) Server() string { return t.client.base.String() }

// Push sends a finished run under a name, "" for that of its folder. After an interruption it goes on.
func (t *Target) Push(ctx context.Context, path, name string) (out Pushed, err error) {
	log, err := report.ReadLog(path)
	if err != nil {
		return out, err
	}
	if name == "" {
		name = log.Name
	}
	dir, unlock, err := rundir.Open(path, "", "track", nil)
	if err != nil {
		return out, err
	}
	defer unlock()
	s, err := readState(dir)
	if err != nil {
		return out, err
	}
	job := &pushing{Target: t, dir: dir, log: log, state: s, upload: s.of(t.client.base.String(), t.options.Experiment)}
	job.out.Run = path
	run, err := job.find(ctx, name)
	if err != nil {
		return out, err
	}
	job.out.URL = t.client.base.String() + "/#/experiments/" + url.PathEscape(t.experiment.ID) + "/runs/" + url.PathEscape(job.upload.Run)
	if err := job.numbers(ctx, run); err != nil {
		return job.out, err
	}
	if t.options.Files {
		if err := job.files(ctx, run.Info.Artifacts); err != nil {
			return job.out, err
		}
	}
	if run.Info.Status != finished {
		err = t.client.finish(ctx, job.upload.Run, milliseconds(log.End))
	}
	return job.out, err
}

// pushing is an upload at work.
type pushing struct {
	*Target
	dir    rundir.Dir
	log    *report.Log
	state  *state
	upload *upload
	out    Pushed
}

// keyTag finds a run whose ID has not arrived.
const keyTag = "zos.upload"

// find is the run on the server: that of an earlier upload, or a new one.
func (j *pushing) find(ctx context.Context, name string) (run *remoteRun, err error) {
	u, c := j.upload, j.client
	switch {
	case u.Run != "":
		if run, err = c.get(ctx, u.Run); err == nil && run == nil {
			err = fmt.Errorf("%s no longer has the run %s of %s: without this file the run is pushed as a new one", c.base, u.Run,
				j.dir.Path(StateFile))
		}
	case rundir.Exists(j.dir.Path(StateFile)):
		run, err = c.tagged(ctx, j.experiment.ID, keyTag, u.Key)
	}
	if err != nil {
		return nil, err
	}
	if run == nil {
		if err := j.state.save(j.dir); err != nil {
			return nil, err
		}
		if run, err = c.create(ctx, j.experiment.ID, name, milliseconds(j.log.Begin), []pair{{keyTag, u.Key}}); err != nil {
			return nil, err
		}
	}
	j.out.ID, u.Run = run.Info.ID, run.Info.ID
	return run, j.state.save(j.dir)
}

// What a request may log at most (the limits of log-batch).
const (
	mostMetrics = 1000
	mostPairs   = 100
)

// numbers sends the settings, tags and metrics that the server does not have.
func (j *pushing) numbers(ctx context.Context, run *remoteRun) error {
	params, tags := without(j.params(), run.Data.Params), without(j.tags(), run.Data.Tags)
	metrics, err := j.unknown(ctx, run)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(tags, mostPairs) {
		if err := j.client.log(ctx, batch{Run: j.upload.Run, Tags: part}); err != nil {
			return err
		}
		j.out.Tags += len(part)
	}
	for part := range slices.Chunk(params, mostPairs) {
		if err := j.client.log(ctx, batch{Run: j.upload.Run, Params: part}); err != nil {
			return err
		}
		j.out.Params += len(part)
	}
	for part := range slices.Chunk(metrics, mostMetrics) {
		if err := j.client.log(ctx, batch{Run: j.upload.Run, Metrics: part}); err != nil {
			return err
		}
		j.out.Metrics += len(part)
	}
	return nil
}

// without leaves out the pairs that are known.
func without(list, known []pair) []pair {
	return slices.DeleteFunc(list, func(p pair) bool { return slices.Contains(known, p) })
}

// unknown are the metrics that the server does not have.
func (j *pushing) unknown(ctx context.Context, run *remoteRun) ([]metric, error) {
	type point struct {
		key  string
		step int64
	}
	there := map[point]bool{}
	for _, m := range run.Data.Metrics {
		list, err := j.client.history(ctx, j.upload.Run, m.Key)
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			there[point{m.Key, x.Step}] = true
		}
	}
	return slices.DeleteFunc(j.metrics(), func(m metric) bool { return there[point{m.Key, m.Step}] }), nil
}

// files sends the files that the server does not have, and notes each once it has arrived.
func (j *pushing) files(ctx context.Context, location string) error {
	list, err := filesOf(j.dir)
	if err != nil {
		return err
	}
	j.console.Start(len(list), "sending files")
	defer j.console.Stop()
	for _, f := range list {
		sum, err := f.sum()
		if err != nil {
			return err
		}
		if j.upload.Files[f.name] != sum {
			if err := j.client.put(ctx, location, f.name, f.path); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			j.upload.Files[f.name] = sum
			j.out.Files++
			if err := j.state.save(j.dir); err != nil {
				return err
			}
		}
		j.console.Step("sending " + f.name)
	}
	return nil
}
