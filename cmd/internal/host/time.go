package host

import (
	"time"

	"golang.org/x/sys/unix"
)

// ThreadTime is how long the calling thread has run so far: while it waits for a processor that other programs have, it
// stands still. The caller must have locked its goroutine to the thread.
func ThreadTime() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano()), err
}
