package cells

import (
	"cmp"
	"context"
	"sync"

	"zos-ort/models/safe"
)

// Budget limits what runs at the same time.
type Budget struct {
	Jobs   int   // processes
	Memory int64 // sum of the needs in bytes
}

// Schedule runs task i, which needs memory[i] bytes, for all i, several at a time within the budget,
// and returns when all have ended. Tasks start in order, but one that does not fit next to those that
// run lets later ones go ahead. A task whose need alone exceeds the budget must not be among them.
// Once ctx is cancelled no task starts. A panic of a task is the error, after all tasks have ended.
func Schedule(ctx context.Context, b Budget, memory []int64, run func(i int)) error {
	var mu sync.Mutex
	freed := sync.NewCond(&mu)
	var panicked error
	defer context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		freed.Broadcast()
	})()
	jobs, free, left := b.Jobs, b.Memory, make([]int, len(memory))
	for i := range left {
		left[i] = i
	}
	mu.Lock()
	defer mu.Unlock()
	for ctx.Err() == nil && len(left) > 0 {
		at := firstFit(left, memory, free)
		if jobs == 0 || at < 0 {
			freed.Wait()
			continue
		}
		i := left[at]
		left = append(left[:at], left[at+1:]...)
		jobs, free = jobs-1, free-memory[i]
		go func() {
			err := safe.Call(func() error { run(i); return nil })
			mu.Lock()
			defer mu.Unlock()
			panicked = cmp.Or(panicked, err)
			jobs, free = jobs+1, free+memory[i]
			freed.Broadcast()
		}()
	}
	for jobs < b.Jobs {
		freed.Wait()
	}
	return panicked
}

// firstFit is the position in left of the first task that fits, or -1.
func firstFit(left []int, memory []int64, free int64) int {
	for at, i := range left {
		if memory[i] <= free {
			return at
		}
	}
	return -1
}
