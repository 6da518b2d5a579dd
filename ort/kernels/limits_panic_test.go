package kernels

import (
	"errors"
	"testing"

	"zos-ort/models/safe"
)

// A panic of a measuring thread is an error: arrays of no length have no first element.
func TestPanicOfAMeasuringThread(t *testing.T) {
	_, err := triad(2, 0, 1)
	var p *safe.Panic
	if !errors.As(err, &p) {
		t.Errorf("got %v, want a panic", err)
	}
}
