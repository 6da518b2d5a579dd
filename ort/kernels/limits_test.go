package kernels_test

import (
	"testing"

	"zos-ort/ort/kernels"
)

// TestMeasureLimits checks the units: giga-operations and gigabytes a second. A test cannot say how
// fast a busy machine is.
func TestMeasureLimits(t *testing.T) {
	if kernels.Level() == "" {
		t.Error("the kernels have no name")
	}
	l, err := kernels.MeasureLimits(1)
	if err != nil {
		t.Fatal(err)
	}
	if l.Threads != 1 {
		t.Errorf("threads: %d, want 1", l.Threads)
	}
	for name, v := range map[string]float64{"GFlops": l.GFlops, "Memory": l.Memory, "Cache": l.Cache} {
		if !(v > 0 && v < 1e4) {
			t.Errorf("%s: %g, want more than 0 and less than 10000", name, v)
		}
	}
}
