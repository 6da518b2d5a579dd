package terminal

import (
	"fmt"
	"io"
)

// Checked is standard output that remembers the first write that failed: nothing printed is lost in silence, whoever
// prints it and whether or not it looks at the error.
type Checked struct {
	to     io.Writer
	failed error
}

// NewChecked writes to w.
func NewChecked(w io.Writer) *Checked { return &Checked{to: w} }

// Write passes on what is written until a write fails.
func (c *Checked) Write(b []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	n, err := c.to.Write(b)
	if err != nil {
		c.failed = fmt.Errorf("the output is not complete: %w", err)
	}
	return n, c.failed
}

// Err is the first error of a write.
func (c *Checked) Err() error { return c.failed }
