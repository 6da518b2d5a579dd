package cells

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// Tasks stay within processes and memory, and all of them run once.
func TestSchedule(t *testing.T) {
	memory := []int64{3, 5, 2, 4, 1, 5, 0, 2}
	for _, b := range []Budget{{Jobs: 1, Memory: 5}, {Jobs: 3, Memory: 5}, {Jobs: 3, Memory: 7},
		{Jobs: 100, Memory: 100}} {
		var mu sync.Mutex
		var ran []int
		var jobs, most int
		var used int64
		all := sync.WaitGroup{} // with room for everything, everything runs at the same time
		all.Add(len(memory))
		Schedule(t.Context(), b, memory, func(i int) {
			mu.Lock()
			ran = append(ran, i)
			jobs, used = jobs+1, used+memory[i]
			most = max(most, jobs)
			if jobs > b.Jobs || used > b.Memory {
				t.Errorf("%+v: %d tasks with %d bytes at the same time", b, jobs, used)
			}
			mu.Unlock()
			if all.Done(); b.Jobs == 100 {
				all.Wait()
			}
			mu.Lock()
			jobs, used = jobs-1, used-memory[i]
			mu.Unlock()
		})
		if b.Jobs == 1 && !slices.IsSorted(ran) {
			t.Errorf("one at a time, in the order %v", ran)
		}
		if b.Jobs == 100 && most != len(memory) {
			t.Errorf("at most %d at the same time", most)
		}
		if slices.Sort(ran); !slices.Equal(ran, []int{0, 1, 2, 3, 4, 5, 6, 7}) {
			t.Errorf("%+v ran %v", b, ran)
		}
	}
}

// A task that does not fit beside those that run lets later ones go ahead.
func TestScheduleGoesAhead(t *testing.T) {
	small := make(chan struct{})
	Schedule(t.Context(), Budget{Jobs: 2, Memory: 5}, []int64{4, 4, 1}, func(i int) {
		switch i {
		case 0:
			<-small // waits for the last task, so that it must overtake the second
		case 2:
			close(small)
		}
	})
}

// After a cancellation those that run end and no other starts.
func TestScheduleCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ran := 0
	Schedule(ctx, Budget{Jobs: 1, Memory: 1}, []int64{1, 1, 1}, func(i int) {
		if ran++; i == 1 {
			cancel()
			<-ctx.Done()
		}
	})
	if ran != 2 {
		t.Errorf("%d tasks ran, want 2", ran)
	}
}

// A panic of a task is an error, and the others run all the same.
func TestScheduleAfterAPanic(t *testing.T) {
	var ran atomic.Int32
	err := Schedule(t.Context(), Budget{Jobs: 2, Memory: 10}, []int64{1, 1, 1, 1}, func(i int) {
		if i == 1 {
			panic("no cell")
		}
		ran.Add(1)
	})
	if err == nil || err.Error() != "no cell" || ran.Load() != 3 {
		t.Errorf("%v after %d tasks", err, ran.Load())
	}
}
