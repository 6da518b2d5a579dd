package ort_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
	"zos-ort/graphgen/pass"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
	"zos-ort/ort/kernels/device"
	"zos-ort/ort/standin"
)

// emulated is the domain of the operators for a GPU, with kernels of that text, which the processor runs.
func emulated(t *testing.T, text string) *ort.Domain {
	t.Helper()
	openRuntime(t)
	d, err := kernels.NewDeviceDomain(standin.Driver(t, text), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// The operators for a GPU compute what the float64 evaluator computes, in any order of threads and blocks.
func TestConformanceOnDevice(t *testing.T) {
	d := emulated(t, device.Source)
	for seed := range 2 {
		t.Setenv(standin.SeedVariable, strconv.Itoa(seed))
		for _, c := range slices.Concat(optest.Unit(), optest.WideUnit(), optest.Normalize(), optest.Scaled(),
			optest.ScaledImages(), optest.DirectPool(), optest.Addends(), optest.Group(), optest.Halves()) {
			t.Run(strconv.Itoa(seed)+"/"+c.Name, func(t *testing.T) {
				for _, wrt := range gradients(c) {
					g := c.Graph(wrt...)
					op.OnDevice(g.Graph)
					compare(t, g.Graph, c.Values(g), ort.Options{Threads: 1, Domains: []*ort.Domain{d}})
				}
			})
		}
	}
}

// With bfloat16 images they compute it up to the roundings that the evaluator does not know: of P, D and dD. What
// the same text may get wrong otherwise shows with float images. Groups and casts are those of a program.
func TestConformanceOnDeviceBFloat16(t *testing.T) {
	d := emulated(t, device.Source)
	o := ort.Options{Threads: 1, Domains: []*ort.Domain{d}}
	for _, c := range slices.Concat(optest.Unit(), optest.WideUnit(), optest.Normalize(), optest.Scaled(),
		optest.ScaledImages(), optest.DirectPool(), optest.Addends(), optest.Halves()) {
		t.Run(c.Name, func(t *testing.T) {
			lists := gradients(c)
			g := c.Graph(lists[len(lists)-1]...)
			if err := pass.Finished(g.Graph, pass.Lowering{Target: pass.CUDAOwnBFloat16}); err != nil {
				t.Fatal(err)
			}
			got, want := both(t, g.Graph, c.Values(g), o)
			for name, w := range want {
				far := roundedDeviation
				if name == "y0" && strings.HasPrefix(c.Name, "direct_max_pool/") { // which rounds X and nothing else
					far = deviation
				}
				if is := far(got[name].Float32(), w.F); is != "" {
					t.Errorf("output %s: %s", name, is)
				}
				got[name].Close()
			}
		})
	}
}

// roundedDeviation says how numbers are further from others than roundings to 8 bits explain: one by 8 steps of
// the largest number, and many on average by 3 steps. A few numbers are gradients of weights, sums over all pixels
// that cancel more: 16 steps.
func roundedDeviation(got []float32, want []float64) string {
	const step = 1. / 256
	largest, square, off := 1e-3, 0., 0.
	for i, w := range want {
		largest, square = max(largest, math.Abs(w)), square+w*w
		off += (float64(got[i]) - w) * (float64(got[i]) - w)
	}
	most := 8 * step * largest
	if len(want) < 64 {
		most *= 2
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= most) {
			return fmt.Sprintf("element %d is %g, want %g, off by %.2g of %.2g", i, got[i], w, d, largest)
		}
	}
	if usual := math.Sqrt(square); len(want) >= 64 && !(math.Sqrt(off) <= 3*step*usual) {
		return fmt.Sprintf("the norm of the difference is %.2g of %.2g", math.Sqrt(off), usual)
	}
	return ""
}

// The comparison finds a barrier that is left out.
func TestDeviceRaceIsFound(t *testing.T) {
	unit, norm := optest.WideUnit()[1], optest.Normalize()[0]
	for _, broken := range []struct {
		name, barrier string
		optest.Case
	}{
		{"reads an incomplete tile", "__syncthreads();  // the tiles are complete", unit},
		{"writes over a tile", "__syncthreads();  // the tiles are no longer read", unit},
		{"adds incomplete sums", "__syncthreads();  // the sums are complete", norm},
		{"reports too early", "__syncthreads();  // all threads have written", unit},
		{"does not wait for the answer", "__syncthreads();  // the answer is there", norm},
	} {
		t.Run(broken.name, func(t *testing.T) {
			text := strings.ReplaceAll(device.Source, broken.barrier, "")
			if text == device.Source {
				t.Fatalf("there is no %q", broken.barrier)
			}
			d := emulated(t, text)
			for seed := range 8 {
				t.Setenv(standin.SeedVariable, strconv.Itoa(seed))
				if deviates(t, broken.Case, ort.Options{Threads: 1, Domains: []*ort.Domain{d}}) {
					return
				}
			}
			t.Error("nothing shows in 8 orders of the threads")
		})
	}
}

// deviates reports whether a case with all its gradients gives other numbers than the evaluator.
func deviates(t *testing.T, c optest.Case, o ort.Options) (deviates bool) {
	t.Helper()
	lists := gradients(c)
	g := c.Graph(lists[len(lists)-1]...)
	op.OnDevice(g.Graph)
	got, want := both(t, g.Graph, c.Values(g), o)
	for name, w := range want {
		deviates = deviates || deviation(got[name].Float32(), w.F) != ""
		got[name].Close()
	}
	return deviates
}
