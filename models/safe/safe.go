// Package safe turns a panic into an error, for work that runs on a goroutine of its own: there a panic would
// end the program at once, and whoever waits for the work could not save or explain anything.
package safe

import (
	"fmt"
	"runtime/debug"
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

// Call calls f and gives back its error, or its panic as a *Panic.
func Call(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{v, debug.Stack()}
		}
	}()
	return f()
}
