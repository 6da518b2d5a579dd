package rundir

import (
	"errors"
	"io"
	"os"
	"testing"
)

// What is written nowhere is dropped, and nothing is there to read.
func TestNowhere(t *testing.T) {
	if err := errors.Join(Nowhere.Write("a/b.csv", []byte("x")), Nowhere.WriteJSON("c.json", 1),
		Nowhere.Checkpoints("search").Save("0001-000000", 1, nil)); err != nil {
		t.Error(err)
	}
	if Exists(Nowhere.Path("c.json")) {
		t.Error("something is there")
	}
	if err := Nowhere.Finish(io.EOF); err != io.EOF {
		t.Errorf("its end: %v", err)
	}
	if _, err := os.Stat(os.DevNull); err != nil {
		t.Errorf("the end of a run took %s away: %v", os.DevNull, err)
	}
}
