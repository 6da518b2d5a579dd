package data

import (
	"cmp"
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"zos-ort/models/safe"
)

// parallel calls f for 0..n-1 on all processors and tells progress, which may be nil, how many
// calls are done. Calls begin in order. Of several errors it returns that of the lowest index,
// whatever the processors did first: above a failed index no more calls begin, below it all do. A panic
// of f is its error.
func parallel(ctx context.Context, n int, progress func(done, total int),
	f func(i int) error) error {
	var (
		next  atomic.Int64
		limit atomic.Int64 // the lowest index that failed
		mu    sync.Mutex   // guards what follows
		done  int
		first error
	)
	limit.Store(int64(n))
	call := func(i int64) {
		err := safe.Call(func() error { return f(int(i)) })
		mu.Lock()
		defer mu.Unlock()
		if err != nil && i < limit.Load() {
			limit.Store(i)
			first = err
		}
		if done++; progress != nil {
			progress(done, n)
		}
	}
	err := safe.Each(runtime.GOMAXPROCS(0), func(int) error {
		for i := next.Add(1) - 1; i < limit.Load() && ctx.Err() == nil; i = next.Add(1) - 1 {
			call(i)
		}
		return nil
	})
	if first != nil {
		return first
	}
	return cmp.Or(err, ctx.Err())
}
