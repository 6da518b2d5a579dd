package cells

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// childVariable makes this test binary act as the program that cells run.
const childVariable = "SWEEP_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// child is the program: its first argument says what it does, its last one in which folder. It prints its
// arguments as its result.
func child(args []string) int {
	if args[0] == "sweep" { // a task of Slurm: sweep --quiet --cell DIR
		must2(Runner{Program: os.Args[0]}.Run(context.Background(), args[3]))
		return 0
	}
	out := args[len(args)-1]
	must(os.MkdirAll(out, 0o755))
	must(os.WriteFile(filepath.Join(out, "config.json"), nil, 0o644))
	switch args[0] {
	case "fail":
		fmt.Fprintln(os.Stderr, "some note\nzos-ort: error: no such thing: 7\nzos-ort: hint: try 8")
		return 1
	case "silent":
		return 3
	case "killed":
		p, err := os.FindProcess(os.Getpid())
		must(err)
		must(p.Kill())
		select {}
	case "size":
		fmt.Println(`{"peak_rss_bytes": 12345}`)
		return 0
	case "garbage":
		fmt.Println("{")
		return 0
	case "wait": // for a signal, once; a second attempt succeeds
		if _, err := os.Stat(filepath.Join(filepath.Dir(out), "saved")); err == nil {
			break
		}
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		must(os.WriteFile(filepath.Join(filepath.Dir(out), "ready"), nil, 0o600)) // a pipe
		<-signals
		must(os.WriteFile(filepath.Join(filepath.Dir(out), "saved"), nil, 0o644))
		return 143
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"arguments": args}))
	return 0
}

func must2(_ Cell, err error) { must(err) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func runner(t *testing.T) Runner {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Runner{Program: program, Env: []string{childVariable + "=1"}}
}

// phases are phases whose programs do what their names say.
func phases(acts ...string) (list []Phase) {
	for i, act := range acts {
		list = append(list, Phase{Name: fmt.Sprintf("phase%d", i), Args: []string{act, "--from={cell}/x"},
			Settings: json.RawMessage(`{"rate":0.5,"device":{"threads":2}}`), State: Waiting})
	}
	return list
}

// prepared is a cell on disk that is about to run, and its folder.
func prepared(t *testing.T, list ...Phase) (Cell, string) {
	t.Helper()
	root := t.TempDir()
	c := Cell{Data: "images", Method: "zos", Seed: 3, Threads: 2, Phases: list}
	if err := c.Prepare(root); err != nil {
		t.Fatal(err)
	}
	return c, filepath.Join(root, c.ID())
}

// rootOf is the folder of the sweep of the cell in dir.
func rootOf(dir string) string { return filepath.Join(dir, "..", "..", "..", "..") }

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
	}
}

func hasArgs(result json.RawMessage, want ...string) bool {
	for _, w := range want {
		if !strings.Contains(string(result), fmt.Sprintf("%q", w)) {
			return false
		}
	}
	return true
}
