package cells

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"zos-ort/models/file"
)

// Slurm runs cells as the tasks of a job array, on nodes that share the folder of the sweep.
type Slurm struct {
	Program string   // path of the executable
	Root    string   // folder of the sweep, absolute
	Args    []string // of sbatch, after those of the script, which they override
	Threads int      // of a task
	Memory  int64    // of a task, bytes
	Jobs    int      // tasks at the same time; 0 for as many as there is room for
}

// Job is a job array that was submitted.
type Job struct {
	ID    string   `json:"id"`
	Cells []string `json:"cells"` // by array index
}

// graceSeconds before the time limit a task is told to save; it is then queued again.
const graceSeconds = 60

// script is what every task runs. USR1 comes before the time limit: the cell saves, the task is
// queued again under its number and resumes. Messages are in LOG_ARRAY_TASK.
const script = `#!/bin/bash
#SBATCH --job-name=zos-ort-sweep
#SBATCH --array=%s
#SBATCH --cpus-per-task=%d
#SBATCH --mem=%dM
#SBATCH --output=%s
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@%d
cells=(
%s)
stopped=
trap 'stopped=yes; kill -TERM "$child"' USR1
%s sweep --quiet --cell "${cells[$SLURM_ARRAY_TASK_ID]}" &
child=$!
while wait "$child"; status=$?; kill -0 "$child" 2>/dev/null; do :; done
if [ -n "$stopped" ] && [ "$status" -ne 0 ]; then
  exec scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
`

// Script is the job array of cells, given by their folders inside the sweep's.
func (s Slurm) Script(cells []string) string {
	array := fmt.Sprintf("0-%d", len(cells)-1)
	if s.Jobs > 0 {
		array += fmt.Sprintf("%%%d", s.Jobs)
	}
	var list strings.Builder
	for _, c := range cells {
		fmt.Fprintf(&list, "  %s\n", quote(filepath.Join(s.Root, c)))
	}
	return fmt.Sprintf(script, array, s.Threads, (s.Memory+1<<20-1)>>20,
		strconv.Quote(filepath.Join(s.Root, "slurm", "%A_%a.log")), graceSeconds, list.String(),
		quote(s.Program))
}

// quote makes one word of a text for the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Submit writes the script, hands it to sbatch, and notes the job in the folder.
func (s Slurm) Submit(ctx context.Context, cells []string) (Job, error) {
	dir := filepath.Join(s.Root, "slurm")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Job{}, fmt.Errorf("slurm: %w", err)
	}
	path := filepath.Join(dir, "array.sh")
	if err := file.Write(path, []byte(s.Script(cells)), 0o755); err != nil {
		return Job{}, fmt.Errorf("slurm: %w", err)
	}
	out, err := output(ctx, "slurm", "sbatch", append(append([]string{"--parsable"}, s.Args...), path)...)
	if err != nil {
		return Job{}, err
	}
	id, _, _ := strings.Cut(strings.TrimSpace(out), ";") // ID or ID;CLUSTER
	job := Job{ID: id, Cells: cells}
	b, err := json.MarshalIndent(job, "", "  ")
	if err != nil {
		return job, fmt.Errorf("slurm: %w", err)
	}
	if err := file.Write(filepath.Join(dir, "job.json"), append(b, '\n'), 0o644); err != nil {
		return job, fmt.Errorf("slurm: job %s was submitted, but: %w", id, err)
	}
	return job, nil
}

// LastJob is the job that was submitted last; one without an ID if there was none.
func (s Slurm) LastJob() (job Job, err error) {
	path := filepath.Join(s.Root, "slurm", "job.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return job, nil
	}
	if err != nil {
		return job, fmt.Errorf("slurm: %w", err)
	}
	if err := json.Unmarshal(b, &job); err != nil {
		return job, fmt.Errorf("%s: %w", path, err)
	}
	return job, nil
}

// Active are the cells of a job whose tasks wait or run.
func (j Job) Active(ctx context.Context) (map[string]bool, error) {
	active := map[string]bool{}
	if j.ID == "" {
		return active, nil
	}
	out, err := output(ctx, "slurm", "squeue", "--noheader", "--array", "--jobs="+j.ID, "--format=%K")
	if err != nil {
		// A job that ended a while ago is unknown; then the queue as a whole can still be asked for.
		if _, alive := output(ctx, "slurm", "squeue", "--noheader"); alive == nil {
			return active, nil
		}
		return nil, err
	}
	for _, index := range strings.Fields(out) {
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= len(j.Cells) {
			return nil, fmt.Errorf("slurm: squeue names task %q of job %s, which has %d", index, j.ID,
				len(j.Cells))
		}
		active[j.Cells[i]] = true
	}
	return active, nil
}

// output runs a command of a system that runs jobs.
func output(ctx context.Context, system, name string, args ...string) (string, error) {
	if _, err := exec.LookPath(name); err != nil {
		return "", fmt.Errorf("%s: there is no %s on this machine", system, name)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %s: %w: %s", system, name, err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
