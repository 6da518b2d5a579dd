package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"zos-ort/ort"
)

// The scripts of testdata/script and the tests that start processes run this test binary under the
// name of the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"zos-ort": func() { os.Exit(run(os.Args, os.Stdout, os.Stderr)) },
	})
}

// tiny are the flags of a supernet that is ready in seconds; one pruning round reaches xi 0.5.
var tiny = append([]string{"--derive", "alphas"}, tinyPreset...)

// tinyPreset leaves it to the preset what the genotype derives from: a perturbation, whose decisions take longer than
// the rest.
var tinyPreset = append([]string{"--batch", "8"}, tinyPrune...)

// tinyPrune are those of them that pruning takes.
var tinyPrune = strings.Fields("--channels 4 --cells 3 --image-size 8 --train-images 64 " +
	"--prune-batch 16 --prune-per-round 3 --threads 2")

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ZOS_CACHE", filepath.Join(e.WorkDir, "cache"))
			path, _ := ort.Locate() // without a runtime the scripts that need one skip
			e.Setenv(ort.PathVariable, path)
			e.Setenv("RUNTIME", path) // for scripts that hide it a while
			demo, err := filepath.Abs("demo.sh")
			e.Setenv("DEMO", demo)
			return err
		},
		Condition: scriptCondition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"fails": failsCommand,
			"cifar": cifarCommand, "clib": clibCommand, "model": modelCommand, "surrogate": surrogateCommand, "within": withinCommand,
			"flags": flagsCommand, "json": jsonCommand, "images": imagesCommand, "cut": cutCommand, "bytename": byteNameCommand,
			"alter": alterCommand, "public": publicCommand},
	})
}

// splitTiny replaces the word TINY by the flags of the tiny supernet.
func splitTiny(args []string) []string {
	if i := slices.Index(args, "TINY"); i >= 0 {
		return slices.Concat(args[:i], tiny, args[i+1:])
	}
	return args
}

var oneError = regexp.MustCompile(`^zos-ort: error: [^\n]+\n(zos-ort: hint: [^\n]+\n)?$`)

// failsCommand is `fails STATUS ARGUMENT...`: the program ends with this status, prints one line of
// error, perhaps a hint, and nothing else, and leaves the folder as it was.
func failsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails STATUS ARGUMENT...")
	}
	before := listing(ts)
	err := ts.Exec("zos-ort", splitTiny(args[1:])...)
	var exit *exec.ExitError
	if status, _ := strconv.Atoi(args[0]); !errors.As(err, &exit) || exit.ExitCode() != status {
		ts.Fatalf("want status %d, got %v", status, err)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output is not empty: %q", out)
	}
	if text := ts.ReadFile("stderr"); !oneError.MatchString(text) {
		ts.Fatalf("standard error is not one line of error and perhaps a hint:\n%s", text)
	}
	if after := listing(ts); !slices.Equal(before, after) {
		ts.Fatalf("files before:\n%v\nfiles after:\n%v", before, after)
	}
}

// listing is every file of the script's folder with its size and time.
func listing(ts *testscript.TestScript) (all []string) {
	ts.Check(filepath.Walk(ts.MkAbs("."), func(path string, info os.FileInfo, err error) error {
		switch {
		case err != nil:
			return err
		case info.Name() == ".tmp":
			return filepath.SkipDir
		case info.IsDir():
			all = append(all, path)
		default:
			all = append(all, fmt.Sprint(path, " ", info.Size(), " ", info.ModTime()))
		}
		return nil
	}))
	return all
}
