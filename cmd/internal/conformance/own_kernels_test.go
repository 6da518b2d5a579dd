package conformance

import (
	"errors"
	"math"
	"slices"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
	"zos-ort/ort/kernels/device"
	"zos-ort/ort/program"
	"zos-ort/ort/standin"
)

// ownKernelsAgree: over ten steps of every method, programs with our kernels on the GPU have the losses of
// those with our kernels on the CPU.
func ownKernelsAgree(t *testing.T, d gpuDevice) {
	batch, steps := 8, 10
	if !d.card {
		batch, steps = 2, 1 // the processor runs the kernels
	}
	for _, m := range method.All {
		if !m.Searches() || (!d.card && m.Name != "zos") {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			d.agree(t, func(cuda *ort.CUDA) []float64 {
				o := ort.Options{Threads: 2}
				if cuda != nil {
					own := *cuda
					own.Kernels = true
					o.CUDA = &own
				}
				return ownLosses(t, m.Name, settings.FP32, batch, steps, cuda != nil, o)
			})
		})
	}
}

// ownLosses are the losses of steps with our kernels of a GPU or the CPU, and the logits after them.
func ownLosses(t *testing.T, method, precision string, batch, steps int, gpu bool, o ort.Options) []float64 {
	t.Helper()
	c := newGPUCase(t, method, batch)
	if c.Device.GPU, c.Device.Precision = gpu, precision; gpu {
		c.Execution.GPUKernels = settings.OwnKernels
	}
	s := c.openWith(t, o, program.Vectors{})
	defer s.Close()
	return append(c.train(t, s, 0, steps, true), c.logits(t, s)...)
}

// Whole steps of every method with the kernels of a GPU, which the processor runs, have the losses of those
// with the kernels of the CPU.
func TestOwnKernelsTrain(t *testing.T) {
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip("skipped: ONNX Runtime is not installed; run make setup")
	} else if err != nil {
		t.Fatal(err)
	}
	domain, err := kernels.NewDeviceDomain(standin.Driver(t, device.Source), "")
	if err != nil {
		t.Fatal(err)
	}
	defer domain.Close()
	for _, m := range programsOfTheirOwn() {
		const batch = 2
		steps := 2
		if m.Mask == method.NoMask {
			steps = 1 // of every operation on every edge, which takes four times as long; the logits tell of the update
		}
		want := ownLosses(t, m.Name, settings.FP32, batch, steps, false, ort.Options{Threads: 1})
		for precision, tolerance := range map[string]float64{settings.FP32: gpuTolerance, settings.BF16: .02} {
			if precision == settings.BF16 && m.Mask == method.NoMask {
				continue
			}
			t.Run(m.Name+"/"+precision, func(t *testing.T) {
				got := ownLosses(t, m.Name, precision, batch, steps, true, ort.Options{Threads: 1, Domains: []*ort.Domain{domain}})
				compared := len(want)
				if precision == settings.BF16 {
					if slices.Equal(got, want) {
						t.Error("nothing was rounded")
					}
					compared = 2 * steps // the losses: a batch norm of two images divides the roundings of logits, too
				}
				for i := range compared {
					if off := math.Abs(got[i] - want[i]); !(off <= tolerance*max(1, math.Abs(want[i]))) {
						t.Fatalf("number %d is %v with the kernels of a GPU, %v with those of the CPU", i, got[i], want[i])
					}
				}
				t.Log(got[:2*steps], want[:2*steps])
			})
		}
	}
}
