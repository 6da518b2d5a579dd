package safe_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"zos-ort/models/safe"
)

func TestCall(t *testing.T) {
	if err := safe.Call(func() error { return io.EOF }); err != io.EOF {
		t.Errorf("got %v", err)
	}
	err := safe.Call(func() error { panic("broken rule") })
	var p *safe.Panic
	if !errors.As(err, &p) || err.Error() != "broken rule" || !strings.Contains(string(p.Stack), "TestCall") {
		t.Errorf("got %v with stack %.60s", err, p.Stack)
	}
	if err := safe.Call(func() error { panic(io.ErrUnexpectedEOF) }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}
