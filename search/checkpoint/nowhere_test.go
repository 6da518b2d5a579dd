package checkpoint_test

import (
	"io"
	"os"
	"testing"

	"zos-ort/search/checkpoint"
)

// A store without a folder has no checkpoint, and leaves nothing anywhere.
func TestStoreWithoutFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	var s checkpoint.Store
	err := s.Save(checkpoint.Position(1, 0), 7, func(io.Writer) error { t.Error("the state was asked for"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	x := 0
	if state, ok, err := s.Load(&x, func(err error) { t.Error(err) }); ok || state != "" || err != nil || x != 0 {
		t.Errorf("got %d, %q, %v, %v", x, state, ok, err)
	}
	if err := s.Finish(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("it left %v, %v", entries, err)
	}
}
