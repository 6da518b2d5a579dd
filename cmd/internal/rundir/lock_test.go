package rundir

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestLockDir(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(dir); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("second lock: %v", err)
	}
	unlock()
	if Exists(filepath.Join(dir, lockName)) {
		t.Error("the lock file is still there")
	}
	again, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
	if _, err := lockDir(filepath.Join(dir, "none")); err == nil {
		t.Error("locked a folder that is not there")
	}
}
