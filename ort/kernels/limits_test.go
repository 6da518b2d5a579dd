package kernels_test

import (
	"testing"

	"zos-ort/ort/kernels"
)

// TestMeasureLimits: the numbers are those of a processor of this century, and the caches are no
// slower than memory by more than a busy machine explains.
func TestMeasureLimits(t *testing.T) {
	if kernels.Level() == "" {
		t.Error("the kernels have no name")
	}
	l := kernels.MeasureLimits(1)
	if l.Threads != 1 || !(l.GFlops > .1 && l.GFlops < 1e4) || !(l.Memory > .1 && l.Memory < 1e4) ||
		l.Cache < l.Memory/4 {
		t.Errorf("got %+v", l)
	}
}
