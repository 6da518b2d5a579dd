package port_test

import (
	"testing"

	"zos-ort/graphgen/port"
)

// The state vectors are state; none of the host's inputs and outputs are.
func TestIsState(t *testing.T) {
	for name, want := range map[string]bool{port.Weights: true, port.Momentum: true,
		port.RunningMean: true, port.RunningVariance: true, port.Images: false, port.Rate: false,
		port.Loss: false, port.Reset: false, port.Updated(port.Weights): false,
		port.Gradient(port.Weights): false} {
		if port.IsState(name) != want {
			t.Errorf("IsState(%q) is %v", name, !want)
		}
	}
}
