// Package ranktest is a group of ranks in one process, for tests.
package ranktest

import (
	"errors"
	"sync"

	"zos-ort/models/ranks"
	"zos-ort/models/safe"
)

// ErrAborted is what a rank gets that waits for one that has ended.
var ErrAborted = errors.New("another rank has ended")

// world is what the ranks of a group share.
type world struct {
	mu      sync.Mutex
	arrived *sync.Cond
	round   int
	given   []any // of the ranks that have arrived, by rank
	count   int
	result  any
	ended   bool
}

// rank is one of a world.
type rank struct {
	*world
	index int
}

// Run calls f as n ranks side by side and joins their errors. When one ends with an error, the others get ErrAborted
// where they wait for it.
func Run(n int, f func(ranks.Group) error) error {
	w := &world{given: make([]any, n)}
	w.arrived = sync.NewCond(&w.mu)
	return safe.Each(n, func(i int) error {
		err := safe.Call(func() error { return f(&rank{w, i}) })
		if err != nil {
			w.end()
		}
		return err
	})
}

func (w *world) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.arrived.Broadcast()
}

// meet waits for all ranks and returns what combine makes of what they give, in the order of the ranks.
func (r *rank) meet(give any, combine func([]any) any) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	round := r.round
	r.given[r.index] = give
	if r.count++; r.count == len(r.given) {
		r.result = combine(r.given)
		r.round, r.count = r.round+1, 0
		r.arrived.Broadcast()
		return r.result, nil
	}
	for r.round == round && !r.ended {
		r.arrived.Wait()
	}
	if r.round == round {
		return nil, ErrAborted
	}
	return r.result, nil
}

func (r *rank) Rank() int    { return r.index }
func (r *rank) Size() int    { return len(r.given) }
func (r *rank) Abort(int)    { r.end() }
func (r *rank) Close() error { return nil }

func (r *rank) Sum32(v []float32) error { return sum(r, v) }
func (r *rank) Sum64(v []float64) error { return sum(r, v) }

// sum adds in the order of the ranks.
func sum[T float32 | float64](r *rank, v []T) error {
	total, err := r.meet(v, func(all []any) any {
		total := make([]T, len(v))
		for _, x := range all {
			for i, y := range x.([]T) {
				total[i] += y
			}
		}
		return total
	})
	if err == nil {
		copy(v, total.([]T))
	}
	return err
}

func (r *rank) Broadcast(b []byte, from int) error {
	x, err := r.meet(b, func(all []any) any { return append([]byte(nil), all[from].([]byte)...) })
	if err == nil {
		copy(b, x.([]byte))
	}
	return err
}
