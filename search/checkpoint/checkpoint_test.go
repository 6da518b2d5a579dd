package checkpoint_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/search/checkpoint"
)

type content struct{ Epoch int }

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// store has saved n epochs.
func store(t *testing.T, n int) checkpoint.Store {
	t.Helper()
	s := checkpoint.Store{Dir: filepath.Join(t.TempDir(), "checkpoints")}
	for e := range n {
		err := s.Save(checkpoint.Position(e, 0), content{e}, text("state of epoch "+string(rune('0'+e))))
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// load returns the epoch that was read, the state's text, and the complaints.
func load(t *testing.T, s checkpoint.Store) (int, string, []string) {
	t.Helper()
	var c content
	var complaints []string
	path, ok, err := s.Load(&c, func(err error) { complaints = append(complaints, err.Error()) })
	if err != nil || !ok {
		t.Fatalf("load: %v, %v", ok, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return c.Epoch, string(b), complaints
}

func files(t *testing.T, s checkpoint.Store) (names []string) {
	t.Helper()
	for _, e := range check.Must(os.ReadDir(s.Dir))(t) {
		names = append(names, e.Name())
	}
	return names
}

func TestTheNewestIsLoadedAndTwoAreKept(t *testing.T) {
	s := store(t, 4)
	if epoch, state, bad := load(t, s); epoch != 3 || state != "state of epoch 3" || bad != nil {
		t.Errorf("loaded epoch %d, %q, %q", epoch, state, bad)
	}
	want := []string{"0002-000000.json", "0002-000000.state", "0003-000000.json", "0003-000000.state"}
	if got := files(t, s); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	if got := files(t, s); !slices.Equal(got, want[2:]) {
		t.Errorf("finished: %q, want %q", got, want[2:])
	}
}

func TestNoCheckpoint(t *testing.T) {
	s := checkpoint.Store{Dir: filepath.Join(t.TempDir(), "none")}
	if _, ok, err := s.Load(new(content), nil); ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if err := s.Finish(); err != nil {
		t.Error(err)
	}
}

func TestWithoutState(t *testing.T) {
	s := checkpoint.Store{Dir: t.TempDir()}
	if err := s.Save("0", content{5}, nil); err != nil {
		t.Fatal(err)
	}
	var c content
	if path, ok, err := s.Load(&c, nil); path != "" || !ok || err != nil || c.Epoch != 5 {
		t.Errorf("got %q, %v, %v, %+v", path, ok, err, c)
	}
}

// Whatever becomes of the newest checkpoint, it is named and the one before serves.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name, file, word string
		change           func([]byte) []byte
	}{
		{"a bit of the state", "0002-000000.state", "is damaged: its SHA-256",
			func(b []byte) []byte { b[3] ^= 1; return b }},
		{"a truncated state", "0002-000000.state", "is damaged: its SHA-256",
			func(b []byte) []byte { return b[:5] }},
		{"a digit of the content", "0002-000000.json", "is damaged: its SHA-256",
			func(b []byte) []byte { return []byte(strings.Replace(string(b), `"Epoch":2`, `"Epoch":7`, 1)) }},
		{"a truncated content", "0002-000000.json", "is damaged: unexpected end",
			func(b []byte) []byte { return b[:len(b)/2] }},
		{"an empty content", "0002-000000.json", "is damaged: unexpected end",
			func([]byte) []byte { return nil }},
		{"another schema", "0002-000000.json", `holds "mask" version 2`, func(b []byte) []byte {
			return []byte(strings.Replace(string(b), "zos-ort/checkpoint", "mask", 1))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := store(t, 3)
			path := filepath.Join(s.Dir, c.file)
			b := check.Must(os.ReadFile(path))(t)
			if err := os.WriteFile(path, c.change(b), 0o644); err != nil {
				t.Fatal(err)
			}
			epoch, state, bad := load(t, s)
			if epoch != 1 || state != "state of epoch 1" {
				t.Errorf("loaded epoch %d, %q", epoch, state)
			}
			if len(bad) != 1 || !strings.Contains(bad[0], c.word) || !strings.Contains(bad[0], c.file) {
				t.Errorf("complaints %q, want one about %s with %q", bad, c.file, c.word)
			}
		})
	}
}

func TestAMissingStateIsDamage(t *testing.T) {
	s := store(t, 2)
	if err := os.Remove(filepath.Join(s.Dir, "0001-000000.state")); err != nil {
		t.Fatal(err)
	}
	if epoch, _, bad := load(t, s); epoch != 0 || len(bad) != 1 {
		t.Errorf("epoch %d, complaints %q", epoch, bad)
	}
}

func TestAllDamagedIsAnError(t *testing.T) {
	s := store(t, 3)
	for _, f := range files(t, s) {
		if err := os.Truncate(filepath.Join(s.Dir, f), 1); err != nil {
			t.Fatal(err)
		}
	}
	_, ok, err := s.Load(new(content), func(error) {})
	if ok {
		t.Error("something was loaded")
	}
	check.Error(t, err, "no checkpoint in ", "can be read")
}

// A failure while saving leaves what was there.
func TestAFailedSaveLosesNothing(t *testing.T) {
	s := store(t, 2)
	full := errors.New("no space left on device")
	err := s.Save(checkpoint.Position(2, 0), content{2}, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half of")
		return full
	})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "save checkpoint 0002-000000") {
		t.Errorf("got %v", err)
	}
	if epoch, state, bad := load(t, s); epoch != 1 || state != "state of epoch 1" || bad != nil {
		t.Errorf("loaded epoch %d, %q, %q", epoch, state, bad)
	}
}

// A kill between the two files leaves a state without content, which the next save takes away.
func TestAnUnfinishedCheckpointIsIgnored(t *testing.T) {
	s := store(t, 1)
	orphan := filepath.Join(s.Dir, "0001-000003.state")
	if err := os.WriteFile(orphan, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if epoch, _, bad := load(t, s); epoch != 0 || bad != nil {
		t.Errorf("epoch %d, %q", epoch, bad)
	}
	if err := s.Save(checkpoint.Position(1, 0), content{1}, text("x")); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(files(t, s), "0001-000003.state") {
		t.Error("the orphan is still there")
	}
}

func TestUnknownContentIsNotSilentlyTaken(t *testing.T) {
	s := store(t, 1)
	_, ok, err := s.Load(new([]int), func(error) {})
	if ok {
		t.Error("loaded")
	}
	check.Error(t, err, "another version of zos-ort")
}

// Positions of more digits than names have room for come last all the same.
func TestManyEpochs(t *testing.T) {
	for _, last := range [][2][2]int{{{9999, 0}, {10000, 0}}, {{1, 999999}, {1, 1000000}}, {{9999, 1000000}, {10000, 5}}} {
		s := checkpoint.Store{Dir: t.TempDir()}
		for _, p := range [][2]int{{0, 7}, last[0], last[1]} {
			if err := s.Save(checkpoint.Position(p[0], p[1]), content{p[0] + p[1]}, nil); err != nil {
				t.Fatal(err)
			}
		}
		var got content
		_, ok, err := s.Load(&got, func(err error) { t.Error(err) })
		if want := last[1][0] + last[1][1]; err != nil || !ok || got.Epoch != want {
			t.Errorf("of %v the newest is %d, %v, want %d", last, got.Epoch, err, want)
		}
	}
}

// TestTemporaryFilesStayInTheFolder: what a kill leaves is found when the run goes on, and not in the folder of
// temporary files, which may be full, read-only or missing.
func TestTemporaryFilesStayInTheFolder(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	s := checkpoint.Store{Dir: filepath.Join(t.TempDir(), "checkpoints")}
	if err := s.Save(checkpoint.Position(1, 0), 1, func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	err := s.Save(checkpoint.Position(2, 0), 2, func(io.Writer) error {
		if files, _ := os.ReadDir(tmp); len(files) > 0 {
			t.Errorf("%s lies elsewhere", files[0].Name())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCheckpointOfAnotherVersion: the words say what it is and what to do.
func TestCheckpointOfAnotherVersion(t *testing.T) {
	s := checkpoint.Store{Dir: t.TempDir()}
	path := filepath.Join(s.Dir, checkpoint.Position(1, 0)+".json")
	if err := s.Save(checkpoint.Position(1, 0), 1, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old := strings.Replace(string(b), `"version":2`, `"version":1`, 1)
	if err := os.WriteFile(path, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	var told string
	_, _, err = s.Load(new(int), func(err error) { told = err.Error() })
	if err == nil || !strings.Contains(told, "another version of zos-ort (form 1, this reads form 2): resume with that version") {
		t.Errorf("%v, %q", err, told)
	}
}
