package conformance

import (
	"math"
	"os"
	"testing"

	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/check"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/ort/standin/provider"
	"zos-ort/search"
)

// gpuTolerance is relative to the larger of 1 and the CPU's number.
const gpuTolerance = 1e-3

// gpuRate is a learning rate at which rounding stays rounding. A perturbation of the weights by 3e-7 of
// their size changes the losses of ten steps of DARTS by 2e-7; at .01 it tips the balance between two
// numbers of a pooling window, and changes them by 3e-3.
const gpuRate = .002

// gpuDevice is what the checks of a GPU run on.
type gpuDevice struct {
	cuda *ort.CUDA
	card bool // its numbers count
}

// gpuChecks compare a GPU with the CPU. Without a card they run all the same, shortened, and look at
// what is copied and allocated alone.
var gpuChecks = []struct {
	name string
	run  func(*testing.T, gpuDevice)
}{
	{"steps", stepsAgree},
	{"ranking", scoresAgree},
	{"retraining", retrainingAgrees},
	{"state", stateMovesOn},
	{"pool", poolIsShared},
	{"bfloat16", bfloat16Follows},
	{"own kernels", ownKernelsAgree},
	{"graphs", graphsAgree},
}

// gpuRequired is the value of ZOS_GPU with which TestGPU fails, and does not skip, without a GPU.
const gpuRequired = "required"

// TestGPU is make test-gpu, which sets ZOS_GPU and runs nothing else: a process that has opened the
// runtime for the CPU cannot open the one for CUDA.
func TestGPU(t *testing.T) {
	if os.Getenv("ZOS_GPU") == "" {
		t.Skip("skipped: run make test-gpu")
	}
	c := &ort.CUDA{}
	if err := ort.OpenCUDA(ort.FindDevices(ort.CUDAFolders()), *c); err != nil {
		if os.Getenv("ZOS_GPU") == gpuRequired {
			t.Fatal(err)
		}
		t.Skipf("skipped: %v", err)
	}
	runGPUChecks(t, gpuDevice{c, !provider.StandsIn()})
}

func runGPUChecks(t *testing.T, d gpuDevice) {
	for _, c := range gpuChecks {
		t.Run(c.name, func(t *testing.T) { c.run(t, d) })
	}
}

// agree compares the numbers of a computation on the GPU with those of the CPU. Without a card the GPU's
// part of it alone is made.
func (d gpuDevice) agree(t *testing.T, compute func(cuda *ort.CUDA) []float64) {
	t.Helper()
	got := compute(d.cuda)
	if !d.card {
		return
	}
	want := compute(nil)
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%d numbers, the CPU has %d", len(got), len(want))
	}
	for i := range want {
		if off := math.Abs(got[i] - want[i]); !(off <= gpuTolerance*max(1, math.Abs(want[i]))) {
			t.Fatalf("number %d is %v on the GPU, %v on the CPU", i, got[i], want[i])
		}
	}
}

// classes are those of CIFAR-10.
const classes = 10

// gpuCase is a method on a small supernet, whose programs are those of a GPU, on the CPU too.
type gpuCase struct{ settings.Experiment }

func newGPUCase(t *testing.T, name string, batch int) gpuCase {
	t.Helper()
	return gpuCase{onGPU(settings.FP32, 4, 8, batch).With(check.Must(method.Find(name))(t))}
}

// onGPU is a small supernet whose programs are for a GPU.
func onGPU(precision string, channels, image, batch int) settings.Experiment {
	e := settings.PaperOnCIFAR()
	e.Network.Channels, e.Network.Cells, e.Images.Size, e.Ranking.Xi = channels, 3, image, .25
	e.Device.GPU, e.Device.Precision = true, precision
	return e.WithBatch(settings.StageSearch, batch).WithBatch(settings.StagePruning, batch)
}

// programsOfTheirOwn are the methods that search, without those whose programs others have too: beta-darts has those of darts,
// zos-rnd those of zos under another mask.
func programsOfTheirOwn() (list []method.Method) {
	for _, m := range method.All {
		if m.Searches() && m.Name != "beta-darts" && m.Name != "zos-rnd" {
			list = append(list, m)
		}
	}
	return list
}

// emit builds the programs of the search under a likely mask.
func emit(t *testing.T, e settings.Experiment) (search.Programs, space.Mask) {
	t.Helper()
	mask := check.Must(e.LikelyMask())(t)
	spec := check.Must(e.Spec(settings.StageSearch, mask))(t)
	return check.Must(search.Emit(spec))(t), mask
}

// open makes the steps of a case on a device, nil for the CPU, fresh where v has no weights.
func (c gpuCase) open(t *testing.T, cuda *ort.CUDA, v program.Vectors) *search.Steps {
	t.Helper()
	return c.openWith(t, ort.Options{Threads: 2, CUDA: cuda}, v)
}

func (c gpuCase) openWith(t *testing.T, o ort.Options, v program.Vectors) *search.Steps {
	t.Helper()
	p, mask := emit(t, c.Experiment)
	if o.CUDA == nil && c.Device.Precision == settings.BF16 { // the CPU lacks stock operators for it
		c.Device.Precision = settings.FP32
		plain, _ := emit(t, c.Experiment)
		p.Eval = plain.Eval
	}
	if v.Weights == nil {
		v.Weights = oracleWeights(p.Weight.Weights)
	}
	alphas := space.NewAlphas(mask, c.Network.Partial > 1)
	s, err := search.Open(p, v, alphas, o)
	if err != nil {
		t.Fatal(err) // a node without a CUDA kernel is named here
	}
	return s
}

// gpuBatch is a batch of images and labels that every machine makes the same.
func gpuBatch(e settings.Experiment, step int) ([]float32, []int64) {
	o := oracleCase{Batch: e.Search.Batch, Image: e.Images.Size, Classes: classes}
	return o.images(500000 + step), o.labels(600000 + step)
}

// train makes weight steps, with alpha steps between them if so told, and gives their losses.
func (c gpuCase) train(t *testing.T, s *search.Steps, from, to int, alphas bool) (losses []float64) {
	t.Helper()
	for step := from; step < to; step++ {
		x, y := gpuBatch(c.Experiment, step)
		o, err := s.WeightStep(x, y, gpuRate)
		if losses = append(losses, o.Loss); err == nil && alphas {
			o, err = s.AlphaStep(x, y, 0)
			losses = append(losses, o.Loss)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return losses
}

// logits are those of the evaluation of a batch: with the losses before, they are right only if all
// programs see one state.
func (c gpuCase) logits(t *testing.T, s *search.Steps) []float64 {
	t.Helper()
	x, _ := gpuBatch(c.Experiment, 0)
	y, err := s.Evaluate(x)
	if err != nil {
		t.Fatal(err)
	}
	return float64s(y)
}

func float64s(x []float32) (y []float64) {
	for _, v := range x {
		y = append(y, float64(v))
	}
	return y
}

// stepsAgree: over ten steps of every method the GPU's losses are the CPU's, and so is the state.
func stepsAgree(t *testing.T, d gpuDevice) {
	for _, m := range method.All {
		if !m.Searches() || (!d.card && m.Name != "zos") {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			c := newGPUCase(t, m.Name, 8)
			d.agree(t, func(cuda *ort.CUDA) []float64 {
				s := c.open(t, cuda, program.Vectors{})
				defer s.Close()
				return append(c.train(t, s, 0, 10, true), c.logits(t, s)...)
			})
		})
	}
}

// poolIsShared: all programs of a run share one pool, whose peak is near the prediction of the largest
// program, not of their sum.
func poolIsShared(t *testing.T, d gpuDevice) {
	c := newGPUCase(t, "zos", 32)
	r, err := memory.Predict(c.Experiment, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := ort.ResetPool(); err != nil {
		t.Fatal(err)
	}
	steps := c.open(t, d.cuda, program.Vectors{})
	defer steps.Close()
	c.train(t, steps, 0, 2, true)
	c.logits(t, steps)
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
