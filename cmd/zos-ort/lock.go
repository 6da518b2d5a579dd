package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockName is the file in a run directory that its writer holds a lock on.
const lockName = ".lock"

// lockDir makes sure that no other process writes into a run directory: it is refused while one does.
// A killed process loses its lock. The file goes away with unlock.
func lockDir(dir string) (unlock func(), err error) {
	path := filepath.Join(dir, lockName)
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, fmt.Errorf("%s is in use: another zos-ort writes into it", dir)
			}
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
		if isFile(f, path) {
			return func() { _ = os.Remove(path); f.Close() }, nil
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
