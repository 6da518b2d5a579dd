package cells

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
)

func kube(root string) Kubernetes {
	return Kubernetes{Root: root, Image: "team/zos-ort:1", Claim: "images", Mount: "/data", Threads: 4, Memory: 3e9,
		Jobs: 8, User: 1000, Group: 100}
}

// The manifests are those that .ci/cluster decodes into the types of the API.
func TestJob(t *testing.T) {
	k := kube("/data/it's/Compare 2!")
	golden(t, "job.yaml", check.Must(k.Job(1, 24, 0))(t))
	k.Queue, k.Namespace, k.GPU, k.Jobs, k.User = "team-a", "nas", true, 0, 0
	golden(t, "job-queued.yaml", check.Must(k.Job(2, 2, 7))(t))
}

// Job names are valid, however the folder is called, and differ where folders do.
func TestJobNames(t *testing.T) {
	seen := map[string]bool{}
	for _, root := range []string{"/a/sweep", "/b/sweep", "/a/Große Suche", "/a/---", "/a/" + strings.Repeat("x-", 40)} {
		name := kube(root).name(12)
		if len(name) > 52 || notInNames.MatchString(strings.ReplaceAll(name, "-", "")) || strings.Contains(name, "--") || seen[name] {
			t.Errorf("%s is named %q", root, name)
		}
		seen[name] = true
	}
}

// A job that nothing has run of is written as it was; after a try, or with other cells, the next one has another name.
func TestWriteJob(t *testing.T) {
	k := kube(t.TempDir())
	write := func(want string, attempts int, cells ...string) Manifest {
		t.Helper()
		m := check.Must(k.Write(cells, attempts))(t)
		if filepath.Base(m.Path) != want || m.Name != k.Manifest(check.Must(k.Last())(t)).Name {
			t.Errorf("wrote %+v, want %s", m, want)
		}
		return m
	}
	write("job-1.yaml", 0, "cells/a/zos/seed-1", "cells/a/zos/seed-2")
	m := write("job-1.yaml", 0, "cells/a/zos/seed-1", "cells/a/zos/seed-2")
	write("job-2.yaml", 1, "cells/a/zos/seed-1", "cells/a/zos/seed-2")
	write("job-3.yaml", 1, "cells/a/zos/seed-2")
	dir := check.Must(Indexed(k.list(1), "1"))(t)
	if dir != filepath.Join(k.Root, "cells/a/zos/seed-2") {
		t.Errorf("index 1 is %s", dir)
	}
	if want := "kubectl apply --filename '" + m.Path + "'"; m.Command() != want {
		t.Errorf("command %s, want %s", m.Command(), want)
	}
	for _, index := range []string{"", "2", "-1", "x"} {
		_, err := Indexed(k.list(1), index)
		check.Error(t, err, IndexVariable, "below the 2 cells")
	}
	_, err := Indexed(k.list(9), "0")
	check.Error(t, err, "cells of the job", "cells-9.txt")
	if err := os.WriteFile(k.list(9), []byte("../../etc\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Indexed(k.list(9), "0")
	check.Error(t, err, "line 1", "no cell of the sweep")
}

// kubectl is asked whether a job is at work, and gets the file; what it says against it is the error.
func TestKubectl(t *testing.T) {
	dir := t.TempDir()
	script := `#!/bin/sh
echo "$@" >>` + dir + `/arguments
case "$*" in *fails*) echo "error: no cluster" >&2; exit 1;; esac
cat ` + dir + `/answer`
	if err := os.WriteFile(filepath.Join(dir, "kubectl"), []byte(script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	m := Manifest{Name: "zos-1", Path: "/data/job-1.yaml"}
	for answer, want := range map[string]bool{"": false, "zos-1 ": true, "zos-1 Suspended": true, "zos-1 FailureTarget Failed": false,
		"zos-1 SuccessCriteriaMet Complete": false} {
		if err := os.WriteFile(filepath.Join(dir, "answer"), []byte(answer), 0o644); err != nil {
			t.Fatal(err)
		}
		if active := check.Must(m.Active(t.Context(), "nas"))(t); active != want {
			t.Errorf("%q: active %v", answer, active)
		}
	}
	if err := m.Apply(t.Context()); err != nil {
		t.Error(err)
	}
	said := string(check.Must(os.ReadFile(filepath.Join(dir, "arguments")))(t))
	if !strings.Contains(said, "--namespace nas get job zos-1 ") || !strings.HasSuffix(said, "\napply --filename /data/job-1.yaml\n") {
		t.Errorf("kubectl got %s", said)
	}
	check.Error(t, Manifest{Name: "fails", Path: "/fails"}.Apply(t.Context()), "kubernetes: kubectl", "no cluster")
	t.Setenv("PATH", t.TempDir())
	check.Error(t, m.Apply(t.Context()), "there is no kubectl on this machine")
	if HasKubectl() {
		t.Error("there is a kubectl")
	}
}
