package conformance

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/port"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
	"zos-ort/ort/program"
	"zos-ort/ort/standin"
	"zos-ort/ort/standin/provider"
	"zos-ort/search"
)

// asGraphs are the settings of a GPU whose programs run as CUDA graphs. A notice fails the test.
func asGraphs(t *testing.T, cuda *ort.CUDA, own bool) *ort.CUDA {
	c := *cuda
	c.Kernels, c.Graphs, c.Notice = own, true, func(text string) { t.Error(text) }
	return &c
}

// From its fourth run on, a step of every method is a copy of the inputs, a graph and a copy of the outputs,
// with our kernels and with the provider's. All programs of a search share the memory that the largest of
// them takes, but for their inputs and outputs.
func TestGraphsOfSteps(t *testing.T) {
	provider.Run(t, []string{standin.IdleVariable + "=1"}, func(t *testing.T, cuda *ort.CUDA, counts string) {
		for _, m := range programsOfTheirOwn() {
			for _, kernels := range []string{settings.StockKernels, settings.OwnKernels} {
				t.Run(m.Name+"/"+kernels, func(t *testing.T) {
					e := onGPU(settings.FP32, 8, 16, 8).With(m)
					e.Execution.GPUKernels = kernels
					checkGraphs(t, e, asGraphs(t, cuda, kernels == settings.OwnKernels), counts)
				})
			}
		}
	})
}

func checkGraphs(t *testing.T, e settings.Experiment, cuda *ort.CUDA, counts string) {
	p, mask := emit(t, e)
	before := standin.Read(t, counts).InUse
	s, err := search.Open(p, program.Vectors{}, space.NewAlphas(mask, e.Network.Partial > 1),
		ort.Options{Threads: 1, CUDA: cuda})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x, y := gpuBatch(e, 0)
	steps := []struct {
		*graphgen.Program
		run func() error
	}{
		{p.Weight, func() error { _, err := s.WeightStep(x, y, .1); return err }},
		{p.Alpha, func() error { _, err := s.AlphaStep(x, y, 0); return err }},
		{p.Eval, func() error { _, err := s.Evaluate(x); return err }},
	}
	standin.Reset(t, counts)
	var programs []*graphgen.Program
	for _, step := range steps {
		for i := range 6 {
			checkReplay(t, counts, step.Program, i, step.run)
		}
		programs = append(programs, step.Program)
	}
	for _, step := range steps[:2] { // which gave their memory to the first runs of the others
		for run := 2; run < 4; run++ {
			checkReplay(t, counts, step.Program, run, step.run)
		}
	}
	e.Execution.CUDAGraphs = settings.GraphsOn
	got, want := int(standin.Read(t, counts).Peak-before), memory.PeakOf(e, programs)
	t.Logf("%d bytes were in use at most, %d were predicted", got, want)
	if math.Abs(float64(got-want)) > .1*float64(want) {
		t.Errorf("%d bytes were in use at most, predicted were %d", got, want)
	}
}

// checkReplay makes the run of a step with this number: the first two are made of launches, the third is
// recorded, the later ones are replayed.
func checkReplay(t *testing.T, counts string, p *graphgen.Program, run int, do func() error) {
	t.Helper()
	before := standin.Read(t, counts)
	if err := do(); err != nil {
		t.Fatal(err)
	}
	after := standin.Read(t, counts)
	graphs, recorded, copies := after.Graphs-before.Graphs, after.Recorded-before.Recorded, after.Copies-before.Copies
	waits := after.Waits - before.Waits
	launched := after.Kernels + after.Calls - before.Kernels - before.Calls
	if (graphs == 1) != (run >= 2) || (recorded > 0) != (run == 2) || (launched > 0) != (run < 2) ||
		(run > 2 && copies != 2) || (run >= 2 && waits != 1) || after.Strays > before.Strays {
		t.Errorf("%s, run %d: %d graphs, %d recorded, %d launched, %d copies, %d waits", p.Name, run+1, graphs, recorded,
			launched, copies, waits)
	}
	if run == 2 {
		t.Logf("%s: %d recorded", p.Name, recorded)
	}
}

// graphsAgree: over ten steps as CUDA graphs, with the provider's kernels and with ours, the losses are those of the CPU.
// A program that does not become a graph fails, and says why.
func graphsAgree(t *testing.T, d gpuDevice) {
	names, kernels, steps := []string{"zos", "pc-darts", "darts"}, []string{settings.StockKernels, settings.OwnKernels}, 10
	if !d.card { // see TestGraphsOfSteps for the others
		names, kernels, steps = names[:1], kernels[:1], 4
	}
	for _, name := range names {
		for _, k := range kernels {
			t.Run(name+"/"+k, func(t *testing.T) {
				own := k == settings.OwnKernels
				train := func(cuda *ort.CUDA) []float64 {
					c := newGPUCase(t, name, 8)
					if c.Execution.GPUKernels = k; own && cuda == nil {
						c.Device.GPU, c.Execution.GPUKernels = false, ""
					}
					s := c.openWith(t, ort.Options{Threads: 2, CUDA: cuda}, program.Vectors{})
					defer s.Close()
					return append(c.train(t, s, 0, steps, true), c.logits(t, s)...)
				}
				var graphs []float64
				d.agree(t, func(cuda *ort.CUDA) []float64 {
					if cuda == nil {
						return train(nil)
					}
					graphs = train(asGraphs(t, cuda, own))
					return graphs
				})
				if d.card { // the provider's sums by atomic addition differ from run to run
					plain := *d.cuda
					plain.Kernels = own
					t.Logf("at most %g off steps without graphs", floats.Distance(graphs, train(&plain), math.Inf(1)))
				}
			})
		}
	}
}

// ownProgram is a training step of nothing but our operators, all ten of them, which the stand-in computes: a unit, pools, a
// sum with a mixing weight and a batch norm, their gradients, and a step of SGD with momentum on the weights of the unit.
func ownProgram(t *testing.T) []byte {
	t.Helper()
	g := ir.New("own_step")
	err := ir.Build(func() {
		x, target := g.Input("images", ir.T(ir.Float, 2, 4, 8, 8)), g.Input("target", ir.T(ir.Float, 2, 6, 4, 4))
		v, rate, mix := g.Input("window", ir.T(ir.Float, 36)), g.Input("rate", ir.T(ir.Float, 1)), g.Input("mix", ir.T(ir.Float, 1))
		w, momentum := g.Input(port.Weights, ir.T(ir.Float, 24)), g.Input(port.Momentum, ir.T(ir.Float, 24))
		y := op.ReluConvNorm{Kernel: 3, Stride: 2, Pad: 1, Dilation: 1, Epsilon: 1e-5}.Of(x, w, v, nil, nil, nil)[0]
		y = op.Scaled{}.Of(op.DirectAveragePool{Kernel: 3, Stride: 1, Pad: 1}.Of(y), mix,
			op.DirectMaxPool{Kernel: 3, Stride: 1, Pad: 1}.Of(y))
		y = op.Normalize{Epsilon: 1e-5}.Of(y, nil, nil, nil)[0]
		loss := op.Reshape{}.To(op.Dot{}.Of(y, target))
		grads := autodiff.VJP([]*ir.Value{y}, []*ir.Value{target}, []*ir.Value{w, mix})
		step := op.Scaled{}.Of(momentum, g.Floats([]float32{.9}, 1), grads[0])
		g.Output(port.Loss, loss)
		g.Output(port.Gradient("mix"), grads[1])
		g.Output(port.Updated(port.Momentum), op.Overwrite{}.Of(momentum, step))
		g.Output(port.Updated(port.Weights), op.Overwrite{}.Of(w, op.Scaled{}.Of(step, rate, w)))
		g.Input(port.Reset, ir.T(ir.Bool, 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	op.OnDevice(g)
	return check.Must(onnx.Bytes(check.Must(onnx.Model(g, onnx.Options{}))(t)))(t)
}

// ownSteps makes steps of that program, each on images of its own and with its own rate, and returns the losses with the
// gradients of the mixing weight and, after every step, the state.
func ownSteps(t *testing.T, cuda *ort.CUDA, steps int) (losses [][]float32, states [][]float32) {
	t.Helper()
	random := func(seed uint64, shape ...int) *ort.Tensor {
		x := check.Must(ort.NewTensor(ort.Float, shape...))(t)
		rng := rand.New(rand.NewPCG(seed, 1))
		for i := range x.Float32() {
			x.Float32()[i] = float32(rng.NormFloat64())
		}
		return x
	}
	o := ort.Options{Threads: 1, CUDA: cuda}
	domain := check.Must(kernels.DomainFor(o))(t)
	defer domain.Close()
	o.Domains = []*ort.Domain{domain}
	weights := random(1, 24)
	defer weights.Close()
	state := check.Must(ort.NewStore([]ort.Param{{Name: port.Weights, Shape: []int{24}, Data: weights.Float32()},
		{Name: port.Momentum, Shape: []int{24}, Data: make([]float32, 24)}}, o))(t)
	defer state.Close()
	p := check.Must(state.Open(ownProgram(t), o))(t)
	in := map[string]*ort.Tensor{"images": random(2, 2, 4, 8, 8), "target": random(3, 2, 6, 4, 4), "window": random(4, 36),
		"rate": random(5, 1), "mix": random(6, 1)}
	loss, gradient := check.Must(ort.NewTensor(ort.Float))(t), check.Must(ort.NewTensor(ort.Float, 1))(t)
	step := check.Must(p.Bind(in, map[string]*ort.Tensor{port.Loss: loss, port.Gradient("mix"): gradient}))(t)
	for i := range steps {
		images := random(uint64(100+i), 2, 4, 8, 8)
		copy(in["images"].Float32(), images.Float32())
		images.Close()
		in["rate"].Float32()[0], in["mix"].Float32()[0] = -.1/float32(i+1), .3*float32(i)
		if err := step.Run(); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, slices.Concat(loss.Float32(), gradient.Float32()))
		now := make([]float32, 48)
		for k, name := range []string{port.Weights, port.Momentum} {
			if err := state.Get(name, now[24*k:24*k+24]); err != nil {
				t.Fatal(err)
			}
		}
		states = append(states, now)
	}
	for _, x := range in {
		x.Close()
	}
	loss.Close()
	gradient.Close()
	return losses, states
}

// sameSteps makes steps as graphs and without, and returns how many were graphs. They have the same losses and leave
// the same state behind, bit by bit, and no step does nothing.
func sameSteps(t *testing.T, cuda, graphs *ort.CUDA, counts string, steps int) (started uint64) {
	t.Helper()
	losses, states := ownSteps(t, cuda, steps)
	before := standin.Read(t, counts).Graphs
	gotLosses, gotStates := ownSteps(t, graphs, steps)
	for i := range steps {
		if !slices.Equal(gotLosses[i], losses[i]) || !slices.Equal(gotStates[i], states[i]) {
			t.Errorf("step %d: loss %v, without graphs %v; state %v, without graphs %v", i+1, gotLosses[i], losses[i],
				gotStates[i], states[i])
		}
		if i > 0 && (losses[i][0] == losses[i-1][0] || slices.Equal(states[i], states[i-1])) {
			t.Errorf("step %d computes nothing: loss %v", i+1, losses[i])
		}
	}
	t.Log(losses)
	return standin.Read(t, counts).Graphs - before
}

// Steps as graphs compute the same as others: before the recording, in the step that is recorded, and after it.
func TestGraphsComputeTheSame(t *testing.T) {
	provider.Run(t, nil, func(t *testing.T, cuda *ort.CUDA, counts string) {
		own, steps := *cuda, 7
		own.Kernels = true
		if n := sameSteps(t, &own, asGraphs(t, cuda, true), counts, steps); n != uint64(steps-2) {
			t.Errorf("%d steps of %d were graphs", n, steps)
		}
	})
}

// So do steps whose recording fails, which one line says.
func TestStepsWithoutTheirGraph(t *testing.T) {
	provider.Run(t, []string{standin.NoGraphsVariable + "=1"}, func(t *testing.T, cuda *ort.CUDA, counts string) {
		own, graphs, notices := *cuda, asGraphs(t, cuda, true), []string(nil)
		own.Kernels = true
		graphs.Notice = func(text string) { notices = append(notices, text) }
		if n := sameSteps(t, &own, graphs, counts, 5); n != 0 {
			t.Errorf("%d steps were graphs", n)
		}
		if len(notices) != 1 || strings.Contains(notices[0], "\n") ||
			!strings.HasPrefix(notices[0], "CUDA graphs: own_step runs without one: ") {
			t.Errorf("notices %q", notices)
		}
		t.Log(notices)
	})
}
