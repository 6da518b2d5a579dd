package search_test

import (
	"context"
	goruntime "runtime"
	"testing"

	"zos-ort/search"
	"zos-ort/search/train"
)

// allocations is a recorder that counts what the process allocates from one step to the next.
type allocations struct {
	recorder
	stats goruntime.MemStats
	last  uint64
	least map[int]uint64 // by epoch
}

func (a *allocations) Step(p train.Progress) {
	goruntime.ReadMemStats(&a.stats)
	if n := a.stats.Mallocs - a.last; p.Step == 2 || p.Step > 2 && n < a.least[p.Epoch] {
		a.least[p.Epoch] = n
	}
	goruntime.ReadMemStats(&a.stats) // what this function allocates does not count
	a.last = a.stats.Mallocs
}

// The loop over steps allocates nothing: batches, both kinds of steps, sums and progress included.
// Of the steps of an epoch the one with the fewest allocations counts, for other goroutines may
// allocate.
func TestTheStepLoopAllocatesNothing(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	c.Net.Channels, c.Net.Partial, c.Batch = 8, 4, 2
	a := &allocations{least: map[int]uint64{}}
	if _, err := search.Run(context.Background(), c, images(t), nil, a); err != nil {
		t.Fatal(err)
	}
	if len(a.least) != 2 {
		t.Fatalf("%d epochs, want 2", len(a.least))
	}
	for epoch, n := range a.least {
		if n != 0 {
			t.Errorf("epoch %d: %d allocations a step, want 0", epoch, n)
		}
	}
}
