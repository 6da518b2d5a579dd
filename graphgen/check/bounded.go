package check

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Limits of a parser: no input may take longer, and beside what it allocates in any case it may allocate this many
// bytes for each byte of the input.
const (
	slowest     = 5 * time.Second
	perByte     = 10
	inAnyCase   = 1 << 20
	copiesAllow = 4 // a growing slice is copied; what was copied is garbage
)

// processorTime is what this process has used.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Bounded calls f, which parses so many bytes, and fails if that takes too long or too much memory. Declared are
// bytes that the input asks for by its contents, as the size of an image does.
func Bounded(t testing.TB, bytes, declared int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := processorTime(t)
	f()
	took := processorTime(t) - start // not the clock's: others may hold the machine up
	runtime.ReadMemStats(&after)
	if took > slowest {
		t.Errorf("%d bytes took %v, want at most %v", bytes, took, slowest)
	}
	limit := uint64(inAnyCase + copiesAllow*(perByte*bytes+declared))
	if used := after.TotalAlloc - before.TotalAlloc; used > limit {
		t.Errorf("%d bytes, which declare %d more, allocate %d bytes, want at most %d", bytes, declared, used, limit)
	}
}
