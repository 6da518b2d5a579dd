package terminal

import (
	"errors"
	"fmt"
	"strings"
)

// usageError is a mistake on the command line.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// Usage marks an error as a mistake on the command line.
func Usage(err error) error { return usageError{err} }

// Usagef makes a mistake on the command line.
func Usagef(format string, args ...any) error { return Usage(fmt.Errorf(format, args...)) }

// IsUsage reports whether an error is a mistake on the command line.
func IsUsage(err error) bool {
	var usage usageError
	return errors.As(err, &usage)
}

// Hinted is an error with advice on how to go on.
type Hinted struct {
	Text, Hint string
	Final      bool // whoever passes the error on leaves the hint as it is
}

func (e *Hinted) Error() string { return e.Text }

// OneLine replaces every run of white space in s by one space.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
