package cells

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
)

// fakeSlurm puts an sbatch that runs the tasks at once and a squeue that says what it is told into the
// path, and returns their folder.
func fakeSlurm(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sbatch": `#!/bin/sh
echo "$@" >` + dir + `/sbatch.args
for last; do :; done
for i in 0 1; do SLURM_ARRAY_TASK_ID=$i bash "$last"; done
echo "77;cluster"`,
		"squeue": `#!/bin/sh
case "$*" in *--jobs=77*) cat ` + dir + `/queue;; *--jobs*) echo "Invalid job id specified" >&2; exit 1;; esac`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return dir
}

// An array runs cells; the job can be found again and says which of them are at work.
func TestSlurm(t *testing.T) {
	dir := fakeSlurm(t)
	t.Setenv(childVariable, "1")
	root := filepath.Join(t.TempDir(), "it's here")
	var ids []string
	for seed := range uint64(2) {
		c := Cell{Data: "images", Method: "zos", Seed: seed, Threads: 1, Phases: phases("ok")}
		if err := c.Prepare(root); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID())
	}
	s := Slurm{Program: runner(t).Program, Root: root, Args: []string{"--time=5"}, Threads: 1, Memory: 1e9}
	if job := check.Must(s.LastJob())(t); job.ID != "" {
		t.Errorf("a job before any: %+v", job)
	}
	check.Must(s.Submit(t.Context(), ids))(t)
	job := check.Must(s.LastJob())(t)
	if job.ID != "77" || len(job.Cells) != 2 {
		t.Errorf("the job is %+v", job)
	}
	args := string(check.Must(os.ReadFile(filepath.Join(dir, "sbatch.args")))(t))
	if !strings.HasPrefix(args, "--parsable --time=5 "+root) {
		t.Errorf("sbatch %s", args)
	}
	for _, id := range ids {
		if c := check.Must(ReadCell(filepath.Join(root, id)))(t); c.State() != Done {
			t.Errorf("%s is %s: %s", id, c.State(), c.Err())
		}
	}
	for queue, want := range map[string][]string{"": nil, "1\n": ids[1:], "0\n1\n": ids} {
		if err := os.WriteFile(filepath.Join(dir, "queue"), []byte(queue), 0o644); err != nil {
			t.Fatal(err)
		}
		active := check.Must(job.Active(t.Context()))(t)
		for _, id := range want {
			if !active[id] || len(active) != len(want) {
				t.Errorf("queue %q: active %v, want %v", queue, active, want)
			}
		}
	}
	job.ID = "78"
	if active := check.Must(job.Active(t.Context()))(t); len(active) != 0 {
		t.Errorf("a job that is unknown has %v", active)
	}
}

func TestSlurmErrors(t *testing.T) {
	dir := fakeSlurm(t)
	if err := os.WriteFile(filepath.Join(dir, "queue"), []byte("9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Job{ID: "77", Cells: []string{"a"}}.Active(t.Context())
	check.Error(t, err, `task "9"`, "job 77")
	t.Setenv("PATH", t.TempDir())
	_, err = Slurm{Root: t.TempDir()}.Submit(t.Context(), []string{"a"})
	check.Error(t, err, "no sbatch on this machine")
}

func TestScript(t *testing.T) {
	s := Slurm{Program: "/opt/zos ort", Root: "/data/it's", Threads: 4, Memory: 3e9, Jobs: 8}
	golden(t, "array.sh", []byte(s.Script([]string{"cells/cifar-10/zos/seed-1", "cells/own/random/seed-2"})))
}
