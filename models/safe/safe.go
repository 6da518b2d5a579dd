// Package safe turns panics into errors, for work that runs on a goroutine of its own. A panic
// there would end the program at once, and whoever waits for the work could neither save nor
// explain anything.
package safe

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// Panic is a panic as an error.
type Panic struct {
	Value any    // what was panicked with
	Stack []byte // where
}

// Error is the value without the stack.
func (p *Panic) Error() string { return fmt.Sprint(p.Value) }

// Unwrap is the value, where it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Recovered wraps the value of a recover. A *Panic that a goroutine has passed on stays as it is: its
// stack is the one that matters.
func Recovered(v any) *Panic {
	if p, ok := v.(*Panic); ok {
		return p
	}
	return &Panic{v, debug.Stack()}
}

// Call calls f and returns its error, or its panic as a *Panic.
func Call(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = Recovered(v)
		}
	}()
	return f()
}

// Each calls f for 0..n-1, every call on a goroutine of its own, waits for all of them and joins
// their errors; one that several have, word for word, counts once. The error of a call that panics is a *Panic.
func Each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = Call(func() error { return f(i) }) })
	}
	all.Wait()
	said := map[string]bool{}
	for i, err := range errs {
		if err == nil || said[err.Error()] {
			errs[i] = nil
			continue
		}
		said[err.Error()] = true
	}
	return errors.Join(errs...)
}

// Share hands the tasks out to workers side by side, in their order, and waits. A worker whose task fails
// or panics lets its later ones go; the others go on. When ctx is cancelled no further task begins. The
// errors of the workers and of ctx are joined.
func Share(ctx context.Context, workers int, tasks []int, f func(worker, task int) error) error {
	next := make(chan int)
	go func() {
		defer close(next)
		for _, task := range tasks {
			if ctx.Err() != nil {
				return
			}
			next <- task
		}
	}()
	err := Each(workers, func(worker int) (failed error) {
		for task := range next {
			if failed == nil {
				failed = Call(func() error { return f(worker, task) })
			}
		}
		return failed
	})
	return errors.Join(err, ctx.Err())
}
