package conformance

import (
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/plan"
	"zos-ort/models/method"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/ort/standin"
	"zos-ort/ort/standin/provider"
	"zos-ort/search"
)

// Every program of a search, a ranking and a retraining with all that it can have runs wholly on the CUDA
// provider: a session is refused when a node has no kernel there. All of them run as CUDA graphs. Of a search see
// TestProviderSteps.
func TestProviderTakesAllPrograms(t *testing.T) {
	provider.Run(t, nil, func(t *testing.T, cuda *ort.CUDA, counts string) {
		try := func(emit func() (*graphgen.Program, error)) {
			p := emitted(t, emit)
			takes(t, p, cuda, counts)
			replays(t, p, asGraphs(t, cuda, false), counts)
		}
		for _, name := range []string{"zos", "etenas"} {
			m, err := method.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, precision := range []string{settings.FP32, settings.BF16} {
				try(rankOf(t, onGPU(precision, 8, 16, 8).With(m)))
			}
		}
		genotype, err := space.Named("DARTS_V2")
		if err != nil {
			t.Fatal(err)
		}
		net := network.Config{Genotype: genotype, Channels: 4, Cells: 6, Classes: 10, Auxiliary: true,
			DropPath: true}
		for _, target := range []pass.Target{pass.CUDA, pass.CUDABFloat16} {
			s := net.Spec(2, 32, pass.Lowering{Target: target, Passes: pass.Share})
			try(s.WeightStep)
			try(s.Evaluate)
		}
	})
}

// So does every program of a search, a ranking and a retraining with our own kernels, on all channels and on part of
// them, in every space; and all of them run as CUDA graphs.
func TestProviderTakesAllProgramsOfOwnKernels(t *testing.T) {
	provider.Run(t, []string{standin.IdleVariable + "=1"}, func(t *testing.T, cuda *ort.CUDA, counts string) {
		own := *cuda
		own.Kernels = true
		try := func(emit func() (*graphgen.Program, error)) {
			p := emitted(t, emit)
			takes(t, p, &own, counts)
			replays(t, p, asGraphs(t, cuda, true), counts)
		}
		specOf := func(name, precision string, s settings.Stage) graphgen.Spec {
			e := onGPU(precision, 8, 16, 8).With(check.Must(method.Find(name))(t))
			e.Execution.GPUKernels = settings.OwnKernels
			return check.Must(e.Spec(s, check.Must(e.LikelyMask())(t)))(t)
		}
		for _, name := range []string{"darts-rnd", "zos-rnd"} {
			s := specOf(name, settings.FP32, settings.StagePruning)
			for _, emit := range []func() (*graphgen.Program, error){s.Rank, s.Saliency, s.Flow, s.Jacobian, s.Patterns} {
				try(emit)
			}
			s = specOf(name, settings.FP32, settings.StageSearch)
			s.Freeze = true
			try(specOf(name, settings.BF16, settings.StageSearch).WeightStep)
			try(specOf(name, settings.BF16, settings.StagePruning).Rank)
			for _, emit := range []func() (*graphgen.Program, error){s.WeightStep, s.WeightGradient, s.WeightUpdate, s.AlphaStep,
				s.Evaluate, s.Rank} {
				try(emit)
			}
		}
		net := network.Config{Genotype: check.Must(space.Named("DARTS_V2"))(t), Channels: 4, Cells: 6, Classes: 10,
			Auxiliary: true, DropPath: true}
		s := net.Spec(2, 32, pass.Lowering{Target: pass.CUDAOwn, Passes: pass.All})
		for _, emit := range []func() (*graphgen.Program, error){s.WeightStep, s.WeightGradient, s.WeightUpdate, s.Evaluate} {
			try(emit)
		}
		s.Target = pass.CUDAOwnBFloat16
		try(s.WeightStep)
		for _, name := range space.Shipped() {
			in := check.Must(space.Open(name))(t)
			e := onGPU(settings.FP32, 8, 16, 8).In(space.RefTo(in)).With(check.Must(method.Find("darts"))(t))
			e.Network, e.Execution.GPUKernels = settings.Network{Channels: 8, Cells: 3, Partial: 1}, settings.OwnKernels
			try(check.Must(e.Spec(settings.StageSearch, in.FullMask()))(t).WeightStep)
		}
	})
}

// rankOf emits the ranking pass of a supernet.
func rankOf(t *testing.T, e settings.Experiment) func() (*graphgen.Program, error) {
	t.Helper()
	return check.Must(e.Spec(settings.StagePruning, space.DARTS.FullMask()))(t).Rank
}

// openAlone makes a session of a program on a state of its own.
func openAlone(t *testing.T, p *graphgen.Program, cuda *ort.CUDA) (*program.Runner, error) {
	t.Helper()
	net, err := program.NewNet(program.Shape{Weights: p.Weights, Stats: p.Stats}, program.Vectors{},
		ort.Options{Threads: 1, CUDA: cuda})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(net.Close)
	return net.Open(p)
}

// takes runs a program once.
func takes(t *testing.T, p *graphgen.Program, cuda *ort.CUDA, counts string) {
	t.Helper()
	r := mustOpenAlone(t, p, cuda)
	defer r.Close()
	checkStep(t, counts, p, r.Run)
}

// replays runs a program until it is a graph, and once more.
func replays(t *testing.T, p *graphgen.Program, cuda *ort.CUDA, counts string) {
	t.Helper()
	r := mustOpenAlone(t, p, cuda)
	defer r.Close()
	for run := range 4 {
		checkReplay(t, counts, p, run, r.Run)
	}
}

// mustOpenAlone is openAlone of a program that has to open.
func mustOpenAlone(t *testing.T, p *graphgen.Program, cuda *ort.CUDA) *program.Runner {
	t.Helper()
	r, err := openAlone(t, p, cuda)
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	return r
}

// A node without a kernel is an error that names it, not a detour through the host.
func TestProviderRefusesFallback(t *testing.T) {
	provider.Run(t, nil, func(t *testing.T, cuda *ort.CUDA, _ string) {
		e := onGPU(settings.FP32, 8, 16, 8).With(check.Must(method.Find("darts"))(t))
		e.Device.GPU, e.Execution.Passes = false, "share"
		spec := check.Must(e.Spec(settings.StageSearch, space.DARTS.FullMask()))(t)
		p, err := spec.WeightStep() // for the CPU: with MaxPoolGrad
		if err != nil {
			t.Fatal(err)
		}
		r, err := openAlone(t, p, cuda)
		if err == nil {
			r.Close()
			t.Fatal("a program with MaxPoolGrad was taken")
		}
		t.Log(err)
	})
}

// A step copies to the device its inputs that are not state, and tables of the pieces of which it joins
// vectors; it copies back what is asked for, waits for the device once and leaves nothing behind. The
// state of a network goes to the device once, however many programs share it. The peak of the pool is
// what was predicted of the program.
func TestProviderSteps(t *testing.T) {
	provider.Run(t, nil, func(t *testing.T, cuda *ort.CUDA, counts string) {
		for _, m := range programsOfTheirOwn() {
			for _, precision := range []string{settings.FP32, settings.BF16} {
				if precision == settings.BF16 && m.Name != "zos" && m.Name != "darts-rnd" {
					continue // of partial and of all channels one each: sessions take their time
				}
				t.Run(m.Name+"/"+precision, func(t *testing.T) {
					checkSteps(t, onGPU(precision, 8, 16, 8).With(m), cuda, counts)
				})
			}
		}
	})
}

// The steps of programs with our own kernels are as frugal, and launch fewer kernels.
func TestProviderStepsOfOwnKernels(t *testing.T) {
	provider.Run(t, []string{standin.IdleVariable + "=1"}, func(t *testing.T, cuda *ort.CUDA, counts string) {
		own := *cuda
		own.Kernels = true
		for _, m := range programsOfTheirOwn() {
			for _, precision := range []string{settings.FP32, settings.BF16} {
				t.Run(m.Name+"/"+precision, func(t *testing.T) {
					e := onGPU(precision, 8, 16, 8).With(m)
					e.Execution.GPUKernels = settings.OwnKernels
					checkSteps(t, e, &own, counts)
				})
			}
		}
	})
}

func checkSteps(t *testing.T, e settings.Experiment, cuda *ort.CUDA, counts string) {
	p, mask := emit(t, e)
	standin.Reset(t, counts)
	s, err := search.Open(p, program.Vectors{}, space.NewAlphas(mask, e.Network.Partial > 1),
		ort.Options{Threads: 1, CUDA: cuda})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	state := 4 * 2 * (p.Weight.Weights.Len() + p.Weight.Stats.Len())
	constants := constantBytes(p.Weight) + constantBytes(p.Alpha) + constantBytes(p.Eval)
	opened := standin.Read(t, counts)
	if got := int(opened.ToDevice); got < state || got > state+constants {
		t.Errorf("opening three programs copied %d bytes to the device; the state has %d, constants %d", got,
			state, constants)
	}
	x, y := gpuBatch(e, 0)
	for _, step := range []struct {
		*graphgen.Program
		run func() error
	}{
		{p.Weight, func() error { _, err := s.WeightStep(x, y, .1); return err }},
		{p.Alpha, func() error { _, err := s.AlphaStep(x, y, 0); return err }},
		{p.Eval, func() error { _, err := s.Evaluate(x); return err }},
	} {
		checkStep(t, counts, step.Program, step.run)
	}
}

func checkStep(t *testing.T, counts string, p *graphgen.Program, run func() error) {
	t.Helper()
	for range 4 { // buffers for the copies are made once
		if err := run(); err != nil {
			t.Fatal(err)
		}
	}
	standin.Reset(t, counts)
	before := standin.Read(t, counts)
	if err := run(); err != nil {
		t.Fatal(err)
	}
	got := standin.Read(t, counts)
	in, out, tables := hostBytes(p.Signature.Inputs), hostBytes(p.Signature.Outputs), tableBytes(p)
	if got.ToDevice > in+tables || got.ToHost > out || got.Waits != 1 || got.Strays > 0 || got.InUse != before.InUse {
		t.Errorf("%s: %d bytes went to the device, the inputs have %d and tables %d; %d came back of %d; "+
			"it waited %d times and used another stream %d times; %d bytes were in use before and %d after",
			p.Name, got.ToDevice, in, tables, got.ToHost, out, got.Waits, got.Strays, before.InUse, got.InUse)
	}
	// The pool also has the copies of the inputs, each until it is read for the last time.
	peak, want := int(got.Peak-before.InUse), plan.Of(p.Graph).Peak
	if slack := .1 * float64(want); float64(peak) < float64(want)-slack || float64(peak) > float64(want)+slack+float64(in) {
		t.Errorf("%s: the peak is %d bytes, predicted were %d and up to %d for inputs", p.Name, peak, want, in)
	}
	t.Logf("%s: %d bytes to the device of which %d are inputs, %d kernels, %d of them ours, and %d calls of "+
		"libraries, peak %d of %d predicted", p.Name, got.ToDevice, in, got.Kernels, got.Own, got.Calls, peak, want)
}

// constantBytes is what a session copies to the device when it is made.
func constantBytes(p *graphgen.Program) (bytes int) {
	for _, v := range p.Graph.Constants {
		bytes += v.Bytes()
	}
	return bytes
}

// tableBytes is the size of the tables that Split and Concat send to the device: a pointer to every piece
// and, where pieces differ in length, two numbers more and the piece of every index along the axis.
func tableBytes(p *graphgen.Program) (bytes uint64) {
	for _, n := range p.Graph.Nodes {
		var axis int
		var pieces []*ir.Value
		switch o := n.Op.(type) {
		case op.Split:
			axis, pieces = o.Axis, n.Out
		case op.Concat:
			axis, pieces = o.Axis, n.In
		}
		numbers, length := len(pieces), 0
		for _, v := range pieces {
			if length += v.Shape[axis]; v.Shape[axis] != pieces[0].Shape[axis] {
				numbers = 3 * len(pieces)
			}
		}
		if numbers > len(pieces) {
			numbers += length
		}
		bytes += 8 * uint64(numbers)
	}
	return bytes
}

// hostBytes is the size of the ports that are not state.
func hostBytes(ports []graphgen.Port) (bytes uint64) {
	for _, p := range ports {
		if !p.Role.IsState() {
			bytes += uint64(p.Type.Bytes())
		}
	}
	return bytes
}
