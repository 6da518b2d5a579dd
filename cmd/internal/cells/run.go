package cells

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"zos-ort/models/file"

	"zos-ort/cmd/internal/host"
)

// Runner runs cells as child processes.
type Runner struct {
	Program string   // path of the executable
	Env     []string // added to the environment of the children
}

// Run does the phases of the cell in dir that are not done yet, and keeps status.json up to date. A
// cancelled context interrupts the running child, which saves; the phase is then Interrupted. A
// child that fails is no error of Run: the state of the cell says so.
func (r Runner) Run(ctx context.Context, dir string) (Cell, error) {
	if _, err := ReadCell(dir); err != nil { // leaves a folder that is no cell as it is
		return Cell{}, err
	}
	lock, err := host.Lock(dir)
	if err != nil {
		return Cell{}, err
	}
	defer lock.Close()
	c, err := ReadCell(dir)
	if err != nil {
		return c, err
	}
	for i := range c.Phases {
		p := &c.Phases[i]
		if p.State == Done {
			continue
		}
		if p.Hold != "" {
			break
		}
		p.State, p.Error, p.Attempts = Running, "", p.Attempts+1
		if err := c.write(dir); err != nil {
			return c, err
		}
		err := r.phase(ctx, dir, p, c.Threads, lock)
		if err := errors.Join(err, c.write(dir)); err != nil {
			return c, err
		}
		if p.State != Done {
			break
		}
	}
	return c, nil
}

// phase runs one process. Its standard output, which is the result, and its messages go to files.
func (r Runner) phase(ctx context.Context, dir string, p *Phase, threads int, lock *os.File) error {
	args, err := p.command(dir, threads)
	if err != nil {
		return err
	}
	result := filepath.Join(dir, p.Name+".out")
	stdout, err := os.Create(result)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	defer stdout.Close()
	log := filepath.Join(dir, p.Name+".log")
	stderr, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	defer stderr.Close()
	info, err := stderr.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	cmd := exec.CommandContext(ctx, r.Program, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = stdout, stderr, append(os.Environ(), r.Env...)
	cmd.ExtraFiles = []*os.File{lock}
	// In a group of its own a child does not hear the terminal's Ctrl-C beside ours: a second signal
	// would end it before it has saved.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A shell starts what it puts in the background, as a script of Slurm does, with interrupts ignored. So are those of
	// the child then.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	start := time.Now()
	failure := cmd.Run()
	p.Seconds, p.PeakRSS = time.Since(start).Seconds(), peakRSS(cmd.ProcessState)
	p.finish(ctx, cmd.ProcessState, failure, result, lastError(log, info.Size()))
	return nil
}

// finish sets state, error and result after the process has ended.
func (p *Phase) finish(ctx context.Context, state *os.ProcessState, failure error, result,
	message string) {
	ended := state != nil && state.Success()
	switch {
	case !ended && ctx.Err() != nil:
		p.State = Interrupted
		return
	case !ended:
		p.State, p.Error = Failed, message
		if message == "" {
			p.Error = explain(state, failure)
		}
		return
	}
	b, err := os.ReadFile(result)
	if err == nil && !json.Valid(b) {
		err = fmt.Errorf("%s is not JSON", result)
	}
	if err != nil {
		p.State, p.Error = Failed, err.Error()
		return
	}
	p.State, p.Result = Done, json.RawMessage(b)
	// What the system counts for a child begins with the size that its parent had; a program that
	// reads its own size knows better.
	var own struct {
		PeakRSS int64 `json:"peak_rss_bytes"`
	}
	if json.Unmarshal(b, &own) == nil && own.PeakRSS > 0 {
		p.PeakRSS = own.PeakRSS
	}
}

// explain says how a process ended that has said nothing itself.
func explain(state *os.ProcessState, failure error) string {
	if state == nil {
		return failure.Error()
	}
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() && w.Signal() == syscall.SIGKILL {
		return "killed (signal 9), perhaps for lack of memory"
	}
	return state.String()
}

// command is the command line: it resumes the run directory that an earlier attempt has left, or makes
// it with the settings of the phase, which it takes from a file beside.
func (p *Phase) command(dir string, threads int) ([]string, error) {
	var args []string
	for _, a := range p.Args {
		args = append(args, strings.ReplaceAll(a, "{cell}", dir))
	}
	args = append(args, "--threads", strconv.Itoa(threads))
	out := filepath.Join(dir, p.Name)
	if _, err := os.Lstat(filepath.Join(out, "config.json")); err == nil {
		return append(args, "--resume", out), nil
	}
	config := filepath.Join(dir, p.Name+".json")
	if err := file.Write(config, p.Settings, 0o644); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return append(args, "--config", config, "--out", out), p.setAside(dir)
}

// setAside renames the run directory of an attempt that cannot go on, if there is one.
func (p *Phase) setAside(dir string) error {
	out := filepath.Join(dir, p.Name)
	err := os.Rename(out, fmt.Sprintf("%s.aborted-%d", out, p.Attempts))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lastError is the last error that was written to a log from an offset on, or else its last line.
func lastError(path string, from int64) string {
	b, err := os.ReadFile(path)
	if err != nil || int64(len(b)) < from {
		return ""
	}
	var failure, last string
	for line := range strings.Lines(string(b[from:])) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "zos-ort: error: "); ok {
			failure = text
		} else if line != "" {
			last = line
		}
	}
	return cmp.Or(failure, last)
}

// peakRSS is the largest resident size in bytes that the process had.
func peakRSS(state *os.ProcessState) int64 {
	if state == nil {
		return 0
	}
	u, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" { // getrusage(2): bytes there, KiB elsewhere
		return u.Maxrss
	}
	return u.Maxrss << 10
}
