package safe_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
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

// A panic passed on from a goroutine keeps the stack of where it began.
func TestRecoveredKeepsTheStack(t *testing.T) {
	first := safe.Call(func() error { panic("broken rule") })
	second := safe.Call(func() error { panic(first) })
	if first != second {
		t.Errorf("got %#v", second)
	}
}

func TestEach(t *testing.T) {
	done := make([]bool, 5)
	err := safe.Each(len(done), func(i int) error {
		done[i] = true
		switch i {
		case 1:
			return io.EOF
		case 3:
			panic("broken rule")
		}
		return nil
	})
	var p *safe.Panic
	if !errors.Is(err, io.EOF) || !errors.As(err, &p) || p.Value != "broken rule" {
		t.Errorf("got %v, want both errors", err)
	}
	if slices.Contains(done, false) {
		t.Errorf("calls made: %v, want all", done)
	}
	if err := safe.Each(3, func(int) error { return errors.New("no memory") }); err == nil || err.Error() != "no memory" {
		t.Errorf("got %q, want what all say once", err)
	}
	if err := safe.Each(3, func(int) error { return nil }); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

// Every task is done once, whoever does it; a worker that fails stops, and a cancelled context ends all.
func TestShare(t *testing.T) {
	var done [100]atomic.Int32
	var tasks []int
	for i := range done {
		tasks = append(tasks, i)
	}
	if err := safe.Share(t.Context(), 3, tasks, func(_, task int) error { done[task].Add(1); return nil }); err != nil {
		t.Error(err)
	}
	for i := range done {
		if n := done[i].Load(); n != 1 {
			t.Errorf("task %d is done %d times", i, n)
		}
	}
	calls := 0
	err := safe.Share(t.Context(), 1, tasks, func(_, task int) error {
		if calls++; task == 5 {
			panic("broken rule")
		}
		return nil
	})
	var p *safe.Panic
	if !errors.As(err, &p) || calls != 6 {
		t.Errorf("%d tasks began, then %v", calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls = 0
	err = safe.Share(ctx, 1, tasks, func(_, task int) error {
		calls++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || calls > 2 {
		t.Errorf("%d tasks began after the end, %v", calls, err)
	}
}
