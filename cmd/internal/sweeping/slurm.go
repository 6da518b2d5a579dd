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
	} else if job, err = s.submit(ctx, array, s.todo()); err != nil {
		return err
	}
	if c.Bool("no-wait") || job.ID == "" {
		return s.finish(c.Context, true)
	}
	for job.ID != "" { // a second array retrains what a ranking frees
		if err := s.wait(ctx, job); err != nil {
			return err
		}
		freed, err := s.next()
		if err != nil {
			return err
		}
		if job, err = s.submit(ctx, array, freed); err != nil {
			return err
		}
	}
	return s.finish(c.Context, false)
}

// taskMemory is what a task gets: as much as the neediest cell needs, and the runtime's scratch memory besides.
func (s *work) taskMemory() int64 {
	var need int64
	for _, cell := range s.cells {
		need = max(need, cell.need)
	}
	return need * 3 / 2
}

// array describes the tasks.
func (s *work) array(c *cli.Context) (cells.Slurm, error) {
	runner, err := cellRunner()
	if err != nil {
		return cells.Slurm{}, err
	}
	return cells.Slurm{Program: runner.Program, Root: s.out, Args: strings.Fields(c.String("slurm-args")),
		Threads: s.Threads, Memory: s.taskMemory(), Jobs: s.Jobs}, nil
}

// submit submits cells; a job without an ID means there are none.
func (s *work) submit(ctx context.Context, array cells.Slurm, list []int) (cells.Job, error) {
	ids, err := s.prepare(list)
	if err != nil || len(ids) == 0 {
		return cells.Job{}, err
	}
	job, err := array.Submit(ctx, ids)
	if err == nil {
		s.console.Say("submitted job %s with %d runs; scancel %s ends it", job.ID, len(ids), job.ID)
	}
	return job, err
}

// prepare writes what cells are to do, and lists their folders inside the sweep's. What failed before is to be done
// again, and counts as such.
func (s *work) prepare(list []int) (ids []string, err error) {
	for _, i := range list {
		c := s.cells[i].Cell
		if err := c.Prepare(s.out); err != nil {
			return nil, err
		}
		if s.cells[i].Cell, err = cells.ReadCell(filepath.Join(s.out, c.ID())); err != nil {
			return nil, err
		}
		ids = append(ids, c.ID())
	}
	return ids, nil
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
