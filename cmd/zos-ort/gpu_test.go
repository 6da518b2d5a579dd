package main

import (
	"math"
	"os"
	"testing"

	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search"
)

// openGPU opens the runtime for CUDA in a process that has opened none: make test-gpu, which sets
// ZOS_GPU, runs these tests alone.
func openGPU(t testing.TB) *ort.CUDA {
	t.Helper()
	if os.Getenv("ZOS_GPU") == "" {
		t.Skip("skipped: run make test-gpu")
	}
	c := &ort.CUDA{}
	if err := ort.OpenCUDA(ort.FindDevices(ort.CUDAFolders()), *c); err != nil {
		t.Skipf("skipped: %v", err)
	}
	return c
}

// openOn makes the steps of a method on a device: on the CPU the very programs of the GPU.
func openOn(t testing.TB, c memoryConfig, m method, cuda *ort.CUDA) *search.Steps {
	t.Helper()
	mask := c.masksOf(m)[0]
	c.cuda = true
	p, err := search.Emit(c.spec(m, mask))
	if err != nil {
		t.Fatal(err)
	}
	alphas := space.NewAlphas(mask, m.partial > 1)
	weights := program.Vectors{Weights: oracleWeights(p.Weight.Weights)}
	s, err := search.Open(p, weights, alphas, ort.Options{Threads: 2, CUDA: cuda})
	if err != nil {
		t.Fatal(err) // a node without a CUDA kernel is named here
	}
	return s
}

// gpuBatch is a batch of images and labels that every machine makes the same.
func gpuBatch(c memoryConfig, step int) ([]float32, []int64) {
	o := oracleCase{Batch: c.Batch, Image: c.Image, Classes: benchClasses}
	return o.images(500000 + step), o.labels(600000 + step)
}

// trajectory is the losses of weight and alpha steps by turns, and the logits after them: all three
// programs see one state, or the numbers would not be those of the CPU.
func trajectory(t *testing.T, c memoryConfig, m method, cuda *ort.CUDA) (numbers []float64) {
	t.Helper()
	s := openOn(t, c, m, cuda)
	defer s.Close()
	for step := range 10 {
		x, y := gpuBatch(c, step)
		for _, run := range []func() (search.Outcome, error){
			func() (search.Outcome, error) { return s.AlphaStep(x, y, 0) },
			func() (search.Outcome, error) { return s.WeightStep(x, y, .01) }} {
			o, err := run()
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, o.Loss)
		}
	}
	x, _ := gpuBatch(c, 0)
	logits, err := s.Evaluate(x)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range logits {
		numbers = append(numbers, float64(v))
	}
	return numbers
}

// TestGPUSteps: over ten steps of every method the GPU's losses are the CPU's, and so is the state.
func TestGPUSteps(t *testing.T) {
	cuda := openGPU(t)
	c := smallMemory(8)
	for _, m := range methods {
		if !m.searches() {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			want, got := trajectory(t, c, m, nil), trajectory(t, c, m, cuda)
			for i := range want {
				if d := math.Abs(got[i] - want[i]); !(d <= 1e-3*max(1, math.Abs(want[i]))) {
					t.Fatalf("number %d is %v on the GPU, %v on the CPU", i, got[i], want[i])
				}
			}
		})
	}
}

// TestGPUPool: all programs of a run share one pool, whose peak is near the prediction of the largest
// program, not of their sum.
func TestGPUPool(t *testing.T) {
	cuda := openGPU(t)
	c := smallMemory(32)
	m, err := findMethod("darts")
	if err != nil {
		t.Fatal(err)
	}
	c.cuda = true
	r, err := c.predict(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := ort.ResetPool(); err != nil {
		t.Fatal(err)
	}
	trajectory(t, c, m, cuda)
	s, err := ort.Pool()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("predicted %d bytes, the pool's peak is %d, %d were reserved", r.Peak, s.Peak, s.Reserved)
	if s.Peak < int64(r.Peak)/2 || s.Peak > int64(r.Weight+r.Alpha) {
		t.Errorf("the pool's peak is %d bytes, the largest program needs %d, two of them %d", s.Peak,
			r.Peak, r.Weight+r.Alpha)
	}
}
