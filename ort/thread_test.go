package ort

import (
	"errors"
	"testing"

	"zos-ort/models/safe"
)

// A panic on the GPU thread is the error of the call, and the next call runs.
func TestPanicOnTheGPUThread(t *testing.T) {
	startGPU()
	var p *safe.Panic
	if err := onGPU(func() error { panic("no device") }); !errors.As(err, &p) || p.Value != "no device" {
		t.Errorf("got %v", err)
	}
	if err := onGPU(func() error { return nil }); err != nil {
		t.Error(err)
	}
}
