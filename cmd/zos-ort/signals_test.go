package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zos-ort/cmd/internal/terminal"
)

// locked is a buffer that a goroutine writes to.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Five seconds after the first signal a program that goes on has said what it waits for.
func TestStoppedProgramSaysWhatItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := terminal.WithActivity(context.Background())
		var out locked
		ended := make(chan struct{})
		go remind(ctx, &out, ended)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := out.String(); got != "zos-ort: still at work, which cannot be interrupted\n" {
			t.Errorf("after 5 s: %q", got)
		}
		terminal.Doing(ctx, "opening a session")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := out.String(); !strings.Contains(got, "still opening a session,") {
			t.Errorf("after 10 s: %q", got)
		}
		close(ended)
		synctest.Wait()
		before := out.String()
		time.Sleep(time.Minute)
		if out.String() != before {
			t.Error("it goes on after the end")
		}
	})
}
