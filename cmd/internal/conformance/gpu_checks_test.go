package conformance

import (
	"context"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/ort/standin/provider"
	"zos-ort/prune"
	"zos-ort/prune/ranking"
)

// scoresAgree: the scores of a round of Algorithm 1 are those of the CPU, which has programs of its own.
func scoresAgree(t *testing.T, d gpuDevice) {
	for _, partial := range []int{1, 4} {
		d.agree(t, func(cuda *ort.CUDA) []float64 { return ranked(t, cuda, partial) })
	}
}

// targetOf is the target of programs for a device, nil for the CPU.
func targetOf(cuda *ort.CUDA) pass.Target {
	if cuda == nil {
		return pass.CPUKernels
	}
	return pass.CUDA
}

// ranked are the scores of a small space on a device, from one repeat.
func ranked(t *testing.T, cuda *ort.CUDA, partial int) (scores []float64) {
	t.Helper()
	var mask space.Mask
	for _, ct := range space.DARTS.CellTypes() {
		for e := range mask.Sets(ct) {
			mask.Put(ct, e, space.SetOf(space.MaxPool3x3, space.AvgPool3x3, space.SepConv3x3))
		}
	}
	o := oracleCase{Batch: 8, Image: 8, Classes: classes}
	ranker := &ranking.Supernet{
		Net:   supernet.Config{Channels: 4, Cells: 3, Classes: o.Classes, Mask: mask, Partial: partial},
		Batch: o.Batch, Image: o.Image, Kernel: prune.Correlation,
		Options:  ort.Options{Threads: 2, CUDA: cuda},
		Lowering: pass.Lowering{Target: targetOf(cuda), Passes: pass.All},
		Weights:  func(_ context.Context, _ int, l graphgen.Layout) ([]float32, error) { return oracleWeights(l), nil },
		Images: func(int) ([]ranking.Batch, error) {
			return []ranking.Batch{{Images: o.images(0)}, {Images: o.images(1)}}, nil
		},
	}
	s, err := ranker.Open(t.Context(), mask)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	candidates := append(mask.Candidates(space.Normal), mask.Candidates(space.Reduce)...)
	var networks []space.Mask
	for _, c := range candidates {
		networks = append(networks, mask.Without(c))
	}
	norms := prune.NewNorms(len(candidates) + 1)
	if err := s.Norms(t.Context(), 0, append(networks, mask), norms, func() {}); err != nil {
		t.Fatal(err)
	}
	for i := range candidates {
		scores = append(scores, (norms.Full()-norms[i])/norms.Full())
	}
	return scores
}

// retrainingAgrees: steps of a network with all that it can have, and its evaluation.
func retrainingAgrees(t *testing.T, d gpuDevice) {
	d.agree(t, func(cuda *ort.CUDA) []float64 { return retrained(t, cuda) })
}

// retrained are the losses and gradient norms of a few steps with auxiliary head and drop-path on a
// device, and the logits after them.
func retrained(t *testing.T, cuda *ort.CUDA) (numbers []float64) {
	t.Helper()
	o := oracleCase{Batch: 8, Image: 32, Classes: classes, DropPath: .3}
	genotype, err := space.Named("DARTS_V2")
	if err != nil {
		t.Fatal(err)
	}
	net := network.Config{Genotype: genotype, Channels: 4, Cells: 3, Classes: o.Classes, Auxiliary: true,
		DropPath: true}
	spec := net.Spec(o.Batch, o.Image, pass.Lowering{Target: pass.CUDA, Passes: pass.Share})
	step, eval := emitted(t, spec.WeightStep), emitted(t, spec.Evaluate)
	state, err := program.NewNet(program.Shape{Weights: step.Weights, Stats: step.Stats},
		program.Vectors{Weights: oracleWeights(step.Weights)}, ort.Options{Threads: 2, CUDA: cuda})
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	trainer, tester := opened(t, state, step), opened(t, state, eval)
	defer trainer.Close()
	defer tester.Close()
	dropped := 0
	for i := range 5 {
		dropped = o.dropPaths(trainer, dropped)
		copy(trainer.Images, o.images(200000+i))
		copy(trainer.Labels, o.labels(300000+i))
		trainer.Rate[0] = gpuRate
		runOnce(t, trainer)
		numbers = append(numbers, float64(trainer.Loss[0]), float64(trainer.Norm[0]))
	}
	if dropped == 0 {
		t.Fatal("nothing can be dropped")
	}
	copy(tester.Images, o.images(202000))
	runOnce(t, tester)
	return append(numbers, float64s(tester.Logits)...)
}

func emitted(t *testing.T, emit func() (*graphgen.Program, error)) *graphgen.Program {
	t.Helper()
	p, err := emit()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func opened(t *testing.T, n *program.Net, p *graphgen.Program) *program.Runner {
	t.Helper()
	r, err := n.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func runOnce(t *testing.T, r *program.Runner) {
	t.Helper()
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
}

// stateMovesOn: a file that one device wrote goes on on the other, to what one device alone comes to.
func stateMovesOn(t *testing.T, d gpuDevice) {
	c := newGPUCase(t, "zos", 8)
	for _, devices := range [][2]*ort.CUDA{{d.cuda, nil}, {nil, d.cuda}} {
		d.agree(t, func(cuda *ort.CUDA) []float64 {
			if cuda != nil {
				return c.interrupted(t, devices[0], devices[1])
			}
			s := c.open(t, nil, program.Vectors{})
			defer s.Close()
			return append(c.train(t, s, 0, 4, false), c.logits(t, s)...)
		})
	}
}

// interrupted are the losses of steps on one device and then, from a file, on the other, and the
// logits after them.
func (c gpuCase) interrupted(t *testing.T, from, to *ort.CUDA) []float64 {
	t.Helper()
	first := c.open(t, from, program.Vectors{})
	losses := c.train(t, first, 0, 2, false)
	saved := saveState(t, first.Net, filepath.Join(t.TempDir(), "state.ckpt"))
	first.Close()
	second := c.open(t, to, saved)
	defer second.Close()
	sameState(t, second.Net, saved)
	losses = append(losses, c.train(t, second, 2, 4, false)...)
	return append(losses, c.logits(t, second)...)
}

// saveState writes the state of a net and reads the file, which has to hold what the net has.
func saveState(t *testing.T, n *program.Net, path string) program.Vectors {
	t.Helper()
	if err := n.Save(path); err != nil {
		t.Fatal(err)
	}
	v, err := program.ReadVectors(path)
	if err != nil {
		t.Fatal(err)
	}
	sameState(t, n, v)
	return v
}

// sameState compares the state of a net, wherever it is, bit by bit.
func sameState(t *testing.T, n *program.Net, want program.Vectors) {
	t.Helper()
	got, err := n.Vectors()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the state of the net is not that of the file")
	}
}

// bfloat16Follows: a search in bfloat16 has the losses of one in float32, on the same card, but for a
// twentieth of the first one. The CPU cannot be asked: it lacks the kernels.
func bfloat16Follows(t *testing.T, d gpuDevice) {
	for _, name := range []string{"darts-rnd", "zos"} {
		losses := func(precision, kernels string) []float64 {
			c, cuda := newGPUCase(t, name, 8), *d.cuda
			c.Device.Precision, c.Execution.GPUKernels = precision, kernels
			cuda.Kernels = kernels == settings.OwnKernels
			s := c.open(t, &cuda, program.Vectors{})
			defer s.Close()
			return c.train(t, s, 0, 5, true)
		}
		var plain []float64
		if d.card {
			plain = losses(settings.FP32, settings.StockKernels)
		}
		for _, kernels := range []string{settings.StockKernels, settings.OwnKernels} {
			if !d.card && kernels == settings.OwnKernels {
				continue // the processor would run the kernels; TestOwnKernelsTrain has fewer steps
			}
			narrow := losses(settings.BF16, kernels)
			for i, want := range plain {
				if !(math.Abs(narrow[i]-want) < narrow[0]/20) {
					t.Errorf("%s, %s kernels: loss %d is %v in bfloat16, %v in float32", name, kernels, i, narrow[i], want)
				}
			}
		}
	}
}

// The checks of a GPU run under the stand-in for CUDA too, which copies but does not compute.
func TestChecksOnStandIn(t *testing.T) {
	provider.Run(t, nil, func(t *testing.T, cuda *ort.CUDA, _ string) { runGPUChecks(t, gpuDevice{cuda, false}) })
}
