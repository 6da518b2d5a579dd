// Package host is the machine that a command runs on: free memory, file locks, peak memory of a process.
package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrTaken says that another process holds the lock on a file.
var ErrTaken = errors.New("taken")

// Take opens a file, which it creates if need be, and locks it; ErrTaken if somebody else has. The
// lock goes with the last process that holds the returned file open, a killed one included.
func Take(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = ErrTaken
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if isFile(f, path) {
			return f, nil
		}
		f.Close() // its holder removed it in between
	}
}

// isFile says whether the open file is still the one at the path.
func isFile(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && os.SameFile(open, now)
}

// Lock takes the folder for this process, or says who has it. The file stays; handing the returned
// one to a child keeps the folder taken even when the parent is killed.
func Lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	path := filepath.Join(dir, "lock")
	f, err := Take(path)
	if errors.Is(err, ErrTaken) {
		owner, _ := os.ReadFile(path)
		return nil, fmt.Errorf("%s is in use by process %s or one that it started: wait for it or end it",
			dir, strings.TrimSpace(string(owner)))
	}
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f, nil
}
