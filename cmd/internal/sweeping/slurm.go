package sweeping

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/cells"
)

// slurmPoll is the time between two looks at the queue.
const slurmPoll = 2 * time.Second

// slurm runs the cells that are not done as a job array and waits for it. An array from before that
// is still at work is waited for first.
func (s *work) slurm(c *cli.Context) error {
	ctx := c.Context
	array, err := s.array(c)
	if err != nil {
		return err
	}
	job, err := array.LastJob()
	if err != nil {
		return err
	}
	active, err := job.Active(ctx)
	if err != nil {
		return err
	}
	if len(active) > 0 {
		s.console.Say("job %s is still at work on %d runs", job.ID, len(active))
	} else if job, err = s.submit(ctx, array); err != nil {
		return err
	}
	if c.Bool("no-wait") || job.ID == "" {
		return s.finish(c.Context, true)
	}
	if err := s.wait(ctx, job); err != nil {
		return err
	}
	return s.finish(c.Context, false)
}

// array describes the tasks; each may need as much as the neediest cell, and the runtime's scratch
// memory besides.
func (s *work) array(c *cli.Context) (cells.Slurm, error) {
	runner, err := cellRunner()
	if err != nil {
		return cells.Slurm{}, err
	}
	var need int64
	for _, cell := range s.cells {
		need = max(need, cell.need)
	}
	return cells.Slurm{Program: runner.Program, Root: s.out, Args: strings.Fields(c.String("slurm-args")),
		Threads: s.Threads, Memory: need * 3 / 2, Jobs: s.Jobs}, nil
}

// submit submits the unfinished cells; a job without an ID means there are none.
func (s *work) submit(ctx context.Context, array cells.Slurm) (cells.Job, error) {
	var todo []string
	for _, i := range s.todo() {
		c := s.cells[i]
		if err := c.Prepare(s.out); err != nil {
			return cells.Job{}, err
		}
		todo = append(todo, c.ID())
	}
	if len(todo) == 0 {
		return cells.Job{}, nil
	}
	job, err := array.Submit(ctx, todo)
	if err == nil {
		s.console.Say("submitted job %s with %d runs; scancel %s ends it", job.ID, len(todo), job.ID)
	}
	return job, err
}

// wait looks at the queue until no task of the job is in it, and reports the cells that leave it.
func (s *work) wait(ctx context.Context, job cells.Job) error {
	pending := map[string]bool{}
	for _, id := range job.Cells {
		pending[id] = true
	}
	for len(pending) > 0 {
		select {
		case <-ctx.Done():
			s.console.Say("job %s keeps running; the same command waits for it again", job.ID)
			return ctx.Err()
		case <-time.After(slurmPoll):
		}
		active, err := job.Active(ctx)
		if err != nil {
			return err
		}
		for i := range s.cells {
			id := s.cells[i].ID()
			if !pending[id] || active[id] {
				continue
			}
			delete(pending, id)
			if err := s.collect(i); err != nil {
				return err
			}
		}
		for id := range pending { // of an array from before: no cell of this sweep
			if !active[id] {
				delete(pending, id)
			}
		}
	}
	return nil
}

// collect reads what a task has written. A task that ended without a result was killed.
func (s *work) collect(i int) error {
	c, err := cells.ReadCell(filepath.Join(s.out, s.cells[i].ID()))
	if err != nil {
		return err
	}
	s.cells[i].Cell = c
	if state := c.State(); state == cells.Waiting || state == cells.Running {
		s.cells[i].lost = "the Slurm task ended early, see " + filepath.Join(s.out, "slurm")
		s.report(i, s.cells[i].lost)
	} else {
		s.report(i, describe(c))
	}
	return s.writeTable()
}
