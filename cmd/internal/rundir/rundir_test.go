package rundir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
)

// TestFinishLeavesNothing: a run that fails before it has found anything takes its folder away; one
// that has a mask keeps everything; so does one that succeeds.
func TestFinishLeavesNothing(t *testing.T) {
	failure := errors.New("failure")
	for _, c := range []struct {
		name  string
		files []string
		err   error
		kept  bool
	}{{"nothing found", []string{"config.json"}, failure, false},
		{"mask found", []string{"config.json", "mask.json"}, failure, true},
		{"not ours", []string{"other.json"}, failure, true},
		{"success", []string{"config.json"}, nil, true}} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := Create(filepath.Join(t.TempDir(), "deep", "run"), "search")
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range c.files {
				if err := dir.Write(f, []byte("{}")); err != nil {
					t.Fatal(err)
				}
			}
			if err := dir.Finish(c.err); err != c.err {
				t.Errorf("finish returned %v, want %v", err, c.err)
			}
			for _, f := range c.files {
				if Exists(dir.Path(f)) != c.kept {
					t.Errorf("%s is there: %v, want %v", f, !c.kept, c.kept)
				}
			}
			if Exists(string(dir)) != c.kept {
				t.Errorf("the folder is there: %v, want %v", !c.kept, c.kept)
			}
		})
	}
}

// TestDefaultRunDirs: runs without --out get folders of their own, side by side, even within a
// second.
func TestDefaultRunDirs(t *testing.T) {
	t.Chdir(t.TempDir())
	seen := map[Dir]bool{}
	for range 4 {
		dir, err := Create("", "prune")
		if err != nil {
			t.Fatal(err)
		}
		if seen[dir] || filepath.Dir(string(dir)) != filepath.Join("runs", "prune") {
			t.Errorf("got folder %s after %v", dir, seen)
		}
		seen[dir] = true
		if entries, err := os.ReadDir(string(dir)); err != nil || len(entries) != 0 {
			t.Errorf("%s: %v %v", dir, entries, err)
		}
	}
}

// TestReadSettings: what was written reads back; other schemas, unknown keys and rubbish are named.
func TestReadSettings(t *testing.T) {
	type settings struct {
		Schema  string `json:"schema"`
		Version int    `json:"version"`
		Seed    int    `json:"seed"`
	}
	dir := Dir(t.TempDir())
	want := settings{"zos-ort/test", 1, 7}
	if err := dir.WriteJSON("config.json", want); err != nil {
		t.Fatal(err)
	}
	var got settings
	if err := dir.ReadSettings("zos-ort/test", 1, &got); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for content, word := range map[string]string{
		`{"schema":"zos-ort/test","version":2}`:            "version 2",
		`{"schema":"zos-ort/test","version":1,"sede":1}`:   "sede",
		`{"schema":"zos-ort/test","version":1}{}`:          "after top-level value",
		`{"schema":"zos-ort/test","version":1,"seed":"a"}`: "seed",
		`{"sch`: "config.json",
	} {
		if err := dir.Write("config.json", []byte(content)); err != nil {
			t.Fatal(err)
		}
		err := dir.ReadSettings("zos-ort/test", 1, &got)
		check.Error(t, err, word)
	}
	check.Error(t, Dir(t.TempDir()).ReadSettings("x", 1, &got), "not a run directory")
}

// How to go on depends on what the run has saved: nothing, its settings, or a mask that took pruning.
func TestGoingOnAfterOutOfMemory(t *testing.T) {
	dir := Dir(t.TempDir())
	for _, x := range []struct{ file, says, not string }{{"lock", "", "--resume"},
		{"config.json", "resume with zos-ort search --resume " + string(dir), "--mask"}, {"mask.json", "", "--mask"},
		{"checkpoints/prune/0001.json", "--mask " + dir.Path("mask.json") + " reuses the pruning", "zos-ort prune"}} {
		if err := dir.Write(x.file, nil); err != nil {
			t.Fatal(err)
		}
		err := &terminal.Hinted{Text: "out of GPU memory"}
		if dir.Resumable("search", nil, err) != err || !strings.Contains(err.Hint, x.says) ||
			strings.Contains(err.Hint, x.not) {
			t.Errorf("with %s the hint is %q", x.file, err.Hint)
		}
	}
}
