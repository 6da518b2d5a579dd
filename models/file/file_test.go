package file_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"zos-ort/graphgen/check"
	"zos-ort/models/file"
)

// The temporary file lies beside the file. Whatever is made in a folder changes the folder's time.
func TestTemporaryFileLiesBesideTheFile(t *testing.T) {
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	tmp, dir := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	if err := os.Chtimes(tmp, long, long); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a")
	if err := file.Write(path, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := check.Must(file.Create(path))(t)
	if filepath.Dir(f.Name()) != dir {
		t.Errorf("%s is not in %s", f.Name(), dir)
	}
	if err := f.Cleanup(); err != nil {
		t.Fatal(err)
	}
	if info := check.Must(os.Stat(tmp))(t); !info.ModTime().Equal(long) {
		t.Error("something was made in the folder for temporary files")
	}
	if list := check.Must(os.ReadDir(dir))(t); len(list) != 1 || string(check.Must(os.ReadFile(path))(t)) != "new" {
		t.Errorf("left: %v", list)
	}
}

// A file that cannot be written as a whole is as before, and nothing else is left.
func TestFailureLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := file.Write(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	check.Error(t, limited(t, 1000, func() error { return file.Write(path, make([]byte, 2000), 0o644) }), "file too large")
	if list := check.Must(os.ReadDir(dir))(t); len(list) != 1 || string(check.Must(os.ReadFile(path))(t)) != "old" {
		t.Errorf("left: %v", list)
	}
	if err := file.Write(path, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if info := check.Must(os.Stat(path))(t); info.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v", info.Mode())
	}
}

// limited lets files grow to size bytes while f runs: a write is cut short there, and the next one fails.
func limited(t *testing.T, size uint64, f func() error) error {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	return f()
}

// Links and pipes stay what they are.
func TestLinksAndPipesStay(t *testing.T) {
	dir := t.TempDir()
	path, link, pipe := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	if err := file.Write(link, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != "a" || string(check.Must(os.ReadFile(path))(t)) != "new" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Skip(err)
	}
	end := check.Must(os.OpenFile(pipe, os.O_RDWR, 0))(t)
	defer end.Close()
	if err := file.Write(pipe, []byte("through"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 7)
	if _, err := io.ReadFull(end, got); err != nil || string(got) != "through" {
		t.Errorf("%q came through the pipe, %v", got, err)
	}
	if info := check.Must(os.Lstat(pipe))(t); info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the pipe has become %v", info.Mode())
	}
}
