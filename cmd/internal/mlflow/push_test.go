package mlflow

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
)

// finishedRun is a run of another package's tests.
func finishedRun(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "search")
	if err := os.CopyFS(dir, os.DirFS("../report/testdata/search")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"checkpoints/search/1", ".lock.1", "deep/empty.txt"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func push(t *testing.T, server, dir string) (Pushed, error) {
	t.Helper()
	p := terminal.New(io.Discard, io.Discard, false, true)
	target, err := Reach(t.Context(), Options{Server: server, Experiment: "tests", Files: true}, p)
	if err != nil {
		return Pushed{}, err
	}
	return target.Push(t.Context(), dir, "")
}

// TestPush: the server has the settings, every number of metrics.csv under its epoch, and the files.
func TestPush(t *testing.T) {
	f, dir := newFake(t), finishedRun(t)
	out := check.Must(push(t, f.URL, dir))(t)
	if len(f.runs) != 1 || f.runs[0].Info.Status != finished || out.Metrics != len(f.points) || out.Files != len(f.files) ||
		out.URL != f.URL+"/#/experiments/7/runs/run1" {
		t.Fatalf("%d runs, %+v", len(f.runs), out)
	}
	r, err := os.Open(filepath.Join(dir, "metrics.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows := check.Must(csv.NewReader(r).ReadAll())(t)
	for i, row := range rows[1:] {
		for j, name := range rows[0] {
			tag := map[string]string{"lr": "lr", "train_loss": "loss/train", "valid_acc": "accuracy/valid", "count_none": "operations/none"}[name]
			if tag == "" {
				continue
			}
			if got := f.points[fmt.Sprintf("run1 %s %d", tag, i)].Value; strconv.FormatFloat(got, 'g', -1, 64) != row[j] {
				t.Errorf("%s of epoch %d is %v, want %s", tag, i, got, row[j])
			}
		}
	}
	params := map[string]string{}
	for _, p := range f.runs[0].Data.Params {
		params[p.Key] = p.Value
	}
	if params["search.epochs"] != strconv.Itoa(len(rows)-1) || params["method"] == "" {
		t.Errorf("parameters %v", params)
	}
	if f.files["7/run1/artifacts/metrics.csv"] == "" {
		t.Error("no metrics.csv")
	}
	if _, there := f.files["7/run1/artifacts/deep/empty.txt"]; !there {
		t.Error("no file of a folder")
	}
	for name := range f.files {
		if strings.Contains(name, "checkpoints") || strings.Contains(name, StateFile) || strings.Contains(name, "/.") {
			t.Errorf("%s is sent", name)
		}
	}
}

// TestNothingTwice: whichever request is the last one before an interruption, and whether or not the server has done it,
// the same command completes the upload, and all is there once.
func TestNothingTwice(t *testing.T) {
	small := func() string { // a few files are enough
		dir := finishedRun(t)
		for _, name := range []string{"alphas.csv", "alphas.json", "genotypes.csv", "judge.json", "judge.svg", "mask.json", "masks.csv",
			"memory.csv", "scores.csv", "timing.csv"} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	whole := newFake(t)
	check.Must(push(t, whole.URL, small()))(t)
	for cut := 1; cut <= whole.requests; cut++ {
		for _, early := range []bool{true, false} {
			f, dir := newFake(t), small()
			f.cut, f.early = cut, early
			if _, err := push(t, f.URL, dir); err == nil && f.lost != http.MethodGet { // net/http itself reads again
				t.Fatalf("request %d is lost, and nobody says so", cut)
			}
			check.Must(push(t, f.URL, dir))(t)
			if len(f.runs) != 1 || len(f.names) != 1 || f.runs[0].Info.Status != finished || len(f.points) != len(whole.points) ||
				len(f.runs[0].Data.Params) != len(whole.runs[0].Data.Params) || len(f.runs[0].Data.Tags) != len(whole.runs[0].Data.Tags) ||
				!maps.Equal(f.files, whole.files) {
				t.Errorf("request %d lost (early: %v): %d runs, %d experiments, %d of %d metrics, %d of %d files", cut, early, len(f.runs),
					len(f.names), len(f.points), len(whole.points), len(f.files), len(whole.files))
			}
			before := f.requests
			if again := check.Must(push(t, f.URL, dir))(t); again.Params+again.Metrics+again.Tags+again.Files != 0 {
				t.Errorf("pushed again: %+v after %d requests", again, f.requests-before)
			}
		}
	}
}

// TestServersApart: each server has a run of its own; one that has thrown the run away is told apart.
func TestServersApart(t *testing.T) {
	a, b, dir := newFake(t), newFake(t), finishedRun(t)
	for _, f := range []*fake{a, b} {
		if out := check.Must(push(t, f.URL, dir))(t); out.Metrics == 0 || out.Files == 0 {
			t.Errorf("%+v", out)
		}
	}
	a.runs[0].Info.Stage = deleted
	_, err := push(t, a.URL, dir)
	check.Error(t, err, "no longer has the run run1", StateFile)
	check.Must(push(t, b.URL, dir))(t)
}

// TestFailures: an error is one line that says what is wrong and where.
func TestFailures(t *testing.T) {
	serve := func(status int, header, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", header)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	elsewhere := newFake(t)
	elsewhere.location = "s3://bucket/7"
	for _, c := range []struct {
		name, server string
		usage        bool
		words        []string
	}{
		{"nobody there", gone.URL, false, []string{"no answer from " + gone.URL, "connection refused"}},
		{"no scheme", "localhost:5000", true, []string{"no address of a server"}},
		{"no scheme, digits", "127.0.0.1:5000", true, []string{"no address of a server"}},
		{"no host", "http:///x", true, []string{"no address of a server"}},
		{"a page", "http://u:secret@127.0.0.1:5000/#/experiments/1", true, []string{"address of a page", "http://127.0.0.1:5000"}},
		{"a web page", serve(200, "", "<!doctype html>"), false, []string{"does not answer as MLflow does"}},
		{"other JSON", serve(200, "", `{"ok":true}`), false, []string{"does not answer as MLflow does"}},
		{"another JSON", serve(200, "", `[]`), false, []string{"does not answer as MLflow does"}},
		{"a list of files", serve(404, "", "404 page not found"), false, []string{"does not answer as MLflow does"}},
		{"a gateway", serve(502, "", "<html>"), false, []string{"/api/2.0/mlflow/experiments/get-by-name answers 502 Bad Gateway"}},
		{"not allowed", serve(403, "", `{"error_code":"PERMISSION_DENIED","message":"Permission\ndenied"}`), false,
			[]string{"403 Forbidden: Permission"}},
		{"moved", serve(301, "https://example.org/", ""), false, []string{"leads to https://example.org/"}},
		{"files elsewhere", elsewhere.URL, false, []string{"s3://bucket/7", "--serve-artifacts", "--no-files"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := push(t, c.server, finishedRun(t))
			check.Error(t, err, c.words...)
			if terminal.IsUsage(err) != c.usage {
				t.Errorf("%v is a mistake on the command line: %v", err, !c.usage)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Error("the password is shown")
			}
		})
	}
}

// TestRefusesUnfinished: nothing of a run that goes on, or of another folder, reaches the server.
func TestRefusesUnfinished(t *testing.T) {
	f, dir := newFake(t), finishedRun(t)
	if err := os.Remove(filepath.Join(dir, "result.json")); err != nil {
		t.Fatal(err)
	}
	_, err := push(t, f.URL, dir)
	check.Error(t, err, "is not finished")
	_, err = push(t, f.URL, t.TempDir())
	check.Error(t, err, "is no run directory")
	dir = finishedRun(t)
	if err := os.WriteFile(filepath.Join(dir, StateFile), []byte(`{"schema":"x"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = push(t, f.URL, dir)
	check.Error(t, err, StateFile)
	if len(f.runs) > 0 {
		t.Error("a run is on the server")
	}
}

// TestIdentity: who the user is comes from the address, or else from MLflow's own variables, and is not kept.
func TestIdentity(t *testing.T) {
	for _, c := range []struct{ name, user, variable, token, want string }{
		{"address", "u:secret@", "v", "", "Basic dTpzZWNyZXQ="}, {"variables", "", "u", "", "Basic dTpzZWNyZXQ="},
		{"token", "", "", "abc", "Bearer abc"}, {"nobody", "", "", "", ""}} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(userVariable, c.variable)
			t.Setenv(passwordVariable, "secret")
			t.Setenv(tokenVariable, c.token)
			f, got := newFake(t), ""
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Header.Get("Authorization")
				f.ServeHTTP(w, r)
			}))
			defer s.Close()
			dir := finishedRun(t)
			check.Must(push(t, strings.Replace(s.URL, "http://", "http://"+c.user, 1), dir))(t)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if b := check.Must(os.ReadFile(filepath.Join(dir, StateFile)))(t); strings.Contains(string(b), "secret") {
				t.Error("the password is kept")
			}
		})
	}
}

// TestCancelled: Ctrl-C is no failure of the server.
func TestCancelled(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Reach(ctx, Options{Server: f.URL, Experiment: "tests"}, terminal.New(io.Discard, io.Discard, false, true))
	if err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

// TestRunsOfSweep: a sweep stands for its finished runs.
func TestRunsOfSweep(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"sweep.json", "cells/a/zos/seed-1/search/config.json", "cells/a/zos/seed-1/search/result.json",
		"cells/a/zos/seed-2/search/config.json"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list := check.Must(Runs(dir))(t)
	if len(list) != 1 || list[0].Name != "a/zos/seed-1/search" || list[0].Path != filepath.Join(dir, "cells", "a", "zos", "seed-1", "search") {
		t.Errorf("got %v", list)
	}
	if err := os.Remove(filepath.Join(dir, "cells/a/zos/seed-1/search/result.json")); err != nil {
		t.Fatal(err)
	}
	_, err := Runs(dir)
	check.Error(t, err, "no run of the sweep")
}
