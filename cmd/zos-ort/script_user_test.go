package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"zos-ort/ort"
)

// scriptCondition answers runtime, root, and memorygroup: a control group with a limit on memory can be made.
func scriptCondition(cond string) (bool, error) {
	switch cond {
	case "runtime":
		_, err := ort.Locate()
		return err == nil, nil
	case "root":
		_, err := exec.LookPath("setpriv")
		return os.Getuid() == 0 && err == nil, nil
	case "memorygroup":
		dir := filepath.Join(memoryGroups, fmt.Sprintf("zos-ort-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			return false, nil
		}
		err := os.WriteFile(filepath.Join(dir, "memory.limit_in_bytes"), []byte("1000000000"), 0o644)
		return err == nil && os.Remove(dir) == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// memoryGroups is the tree of control groups of version 1 that counts memory.
const memoryGroups = "/sys/fs/cgroup/memory"

// publicCommand is `public`: every user can reach the script's folder and, in it, the program and the runtime, whose
// own folders may be closed to others.
func publicCommand(ts *testscript.TestScript, _ bool, _ []string) {
	work := ts.Getenv("WORK")
	for dir := work; dir != filepath.Dir(dir) && dir != os.TempDir(); dir = filepath.Dir(dir) {
		ts.Check(os.Chmod(dir, 0o755))
	}
	program, err := os.Executable()
	ts.Check(err)
	bin, library := filepath.Join(work, "bin"), filepath.Join(work, ort.LibraryName())
	ts.Check(os.Mkdir(bin, 0o755))
	ts.Check(copyFile(filepath.Join(bin, "zos-ort"), program, 0o755))
	ts.Check(copyFile(library, ts.Getenv(ort.PathVariable), 0o644))
	ts.Setenv("PATH", bin+string(os.PathListSeparator)+ts.Getenv("PATH"))
	ts.Setenv(ort.PathVariable, library)
}

// copyFile copies a file.
func copyFile(to, from string, mode os.FileMode) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	g, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(g, f); err != nil {
		g.Close()
		return err
	}
	return g.Close()
}
