// Package sweeping resolves a matrix of methods, data sets and seeds to experiments, and runs them as cells
// (package cells) within the memory that they are predicted to need.
package sweeping

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/cells"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
)

// work is a sweep at work.
type work struct {
	Matrix
	out     string
	console *terminal.Console

	mu           sync.Mutex // guards cells and the files of the table
	ended, total int        // of the cells at work
}

// Run takes up what the folder holds from before and runs the cells that are not done, on this machine, on Slurm or on
// Kubernetes.
func (x *Matrix) Run(c *cli.Context, out string, p *terminal.Console) error {
	lock, err := host.Lock(out)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := rundir.Dir(out).WriteJSON("sweep.json", x); err != nil {
		return err
	}
	if x.Begun != nil {
		x.Begun(out)
	}
	s := &work{Matrix: *x, out: out, console: p}
	if err := s.keepHolds(); err != nil {
		return err
	}
	switch x.Executor {
	case Slurm:
		return s.slurm(c)
	case Kubernetes:
		return s.kubernetes(c)
	}
	return s.local(c.Context)
}

// Adopt takes over the finished runs in the folder of the sweep.
func (x *Matrix) Adopt(out string) (err error) {
	if err := x.shared("--out", out); err != nil {
		return err
	}
	for i := range x.cells {
		if x.cells[i].Cell, err = x.cells[i].Cell.Adopt(out); err != nil {
			return err
		}
	}
	_, err = x.rank()
	return err
}

// local runs the cells that are not done as processes of this machine, and what a ranking frees after that.
func (s *work) local(ctx context.Context) error {
	runner, err := cellRunner()
	if err != nil {
		return err
	}
	for todo := s.todo(); len(todo) > 0; {
		if err := s.together(ctx, runner, todo); err != nil {
			return errors.Join(err, s.writeTable())
		}
		if todo, err = s.next(); err != nil {
			return err
		}
	}
	return s.finish(ctx, false)
}

// next ranks what has ended, and lists the cells that may go on.
func (s *work) next() ([]int, error) {
	freed, err := s.rank()
	if err != nil || len(freed) == 0 {
		return nil, err
	}
	s.ended, s.total = 0, len(freed)
	s.console.Say("the runs are ranked: %d of %d are retrained", len(freed), len(s.cells))
	return freed, s.keepHolds()
}

// keepHolds writes down which cells were left out.
func (s *work) keepHolds() error {
	for _, c := range s.cells {
		if c.State() == cells.LeftOut {
			if err := c.Prepare(s.out); err != nil {
				return err
			}
		}
	}
	return nil
}

// together runs cells side by side, within the budget.
func (s *work) together(ctx context.Context, runner cells.Runner, todo []int) error {
	memory := make([]int64, len(todo))
	for at, i := range todo {
		memory[at] = s.cells[i].need
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	panicked := cells.Schedule(ctx, cells.Budget{Jobs: s.Jobs, Memory: s.budget}, memory, func(at int) {
		if err := s.runCell(ctx, runner, todo[at]); err != nil {
			cancel(err) // the folder cannot be written or somebody else runs in it
		}
	})
	return cmp.Or(panicked, context.Cause(ctx))
}

// todo lists the cells that are to run, and reports the others.
func (s *work) todo() (list []int) {
	s.total = len(s.cells)
	for i, c := range s.cells {
		switch {
		case c.State() == cells.Done:
			s.report(i, "done before")
		case c.State() == cells.LeftOut, c.State() == cells.Held:
			s.report(i, string(c.State()))
		case c.refused != "":
			s.report(i, "refused: "+c.refused)
		default:
			list = append(list, i)
		}
	}
	return list
}

// runCell runs one cell and brings the table up to date.
func (s *work) runCell(ctx context.Context, runner cells.Runner, i int) error {
	s.mu.Lock()
	cell := s.cells[i].Cell
	s.mu.Unlock()
	if err := cell.Prepare(s.out); err != nil {
		return err
	}
	done, err := runner.Run(ctx, filepath.Join(s.out, cell.ID()))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cells[i].Cell = done
	s.report(i, describe(done))
	return s.writeTable()
}

// describe says how a cell ended.
func describe(c cells.Cell) string {
	if err := c.Err(); err != "" {
		return fmt.Sprintf("%s: %s", c.State(), err)
	}
	var seconds float64
	for _, p := range c.Phases {
		if p.State == cells.Done {
			seconds += p.Seconds
		}
	}
	switch c.State() {
	case cells.Done:
	case cells.Held:
		return fmt.Sprintf("ready for the ranking in %.1f s", seconds)
	default:
		return string(c.State())
	}
	return fmt.Sprintf("done in %.1f s, peak %s MB", seconds, terminal.MB(int(c.Phases[0].PeakRSS)))
}

// report tells that a cell has come to an end.
func (s *work) report(i int, how string) {
	s.ended++
	s.console.Say("[%d/%d] %v: %s", s.ended, s.total, s.cells[i].Cell, how)
}

// table is made from the outcomes so far.
func (s *work) table() (cells.Table, error) {
	runs, _, err := s.outcomes()
	if err != nil {
		return cells.Table{}, err
	}
	for i, c := range s.cells {
		if o := &runs[i]; o.State != cells.Done && o.State != cells.Failed && c.refused+c.lost != "" {
			o.State, o.Error = cells.Failed, cmp.Or(c.refused, c.lost)
		}
	}
	t := cells.NewTable(runs)
	if s.RankBy != "" {
		t.Ranking = &cells.Ranking{By: describeSmall(s.cells[0].small), Keep: s.Keep}
	}
	return t, nil
}

func (s *work) writeTable() error {
	t, err := s.table()
	if err != nil {
		return err
	}
	if err := t.Write(s.out); err != nil {
		return err
	}
	return report.Write(s.out)
}

// finish writes the table and the charts, prints the table, and fails if any cell has or, unless some
// are still at work, is not done.
func (s *work) finish(ctx context.Context, working bool) error {
	t, err := s.table()
	if err != nil {
		return err
	}
	if err := t.Write(s.out); err != nil {
		return err
	}
	if _, err := t.Draw(s.out); err != nil {
		return err
	}
	if err := s.console.Table(t.Header(), t.Cells()); err != nil {
		return err
	}
	if s.Judge != nil && !working {
		if t.Judge, err = s.Judge(ctx); err != nil {
			return err
		}
	}
	if err := report.Write(s.out); err != nil {
		return err
	}
	for _, note := range t.Notes() {
		s.console.Result("%s", note)
	}
	s.console.Result("written to %s", s.out)
	if err := s.console.Value(t); err != nil {
		return err
	}
	failed, last := 0, ""
	for _, o := range t.Runs {
		if o.State == cells.Failed || !working && !o.State.Settled() {
			failed++
			last = fmt.Sprintf("%s on %s, seed %d: %s", o.Method, o.Data, o.Seed, o.Error)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d runs failed, the last is %s", failed, len(t.Runs), last)
	}
	return nil
}
