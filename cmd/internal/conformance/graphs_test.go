package conformance

import (
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/plan"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
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
		for _, m := range method.All {
			if !m.Searches() || m.Name == "beta-darts" { // whose programs are those of darts
				continue
			}
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
	largest, beside := 0, 4*2*(p.Weight.Weights.Len()+p.Weight.Stats.Len())
	for _, step := range steps {
		for i := range 6 {
			checkReplay(t, counts, step.Program, i, step.run)
		}
		largest = max(largest, plan.Of(step.Graph).Peak)
		beside += int(hostBytes(step.Signature.Inputs)+hostBytes(step.Signature.Outputs)) + constantBytes(step.Program)
	}
	for _, step := range steps[:2] { // which gave their memory to the first runs of the others
		for run := 2; run < 4; run++ {
			checkReplay(t, counts, step.Program, run, step.run)
		}
	}
	got := standin.Read(t, counts)
	t.Logf("%d bytes are in use, %d were at most, %d and %d were predicted", got.InUse-before, got.Peak-before, largest, beside)
	if want := largest + beside; float64(got.Peak-before) > 1.1*float64(want) {
		t.Errorf("%d bytes were in use at most, predicted were %d", got.Peak-before, want)
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
	launched := after.Kernels + after.Calls - before.Kernels - before.Calls
	if (graphs == 1) != (run >= 2) || (recorded > 0) != (run == 2) || (launched > 0) != (run < 2) ||
		(run > 2 && copies != 2) || after.Waits-before.Waits != 1 || after.Strays > before.Strays {
		t.Errorf("%s, run %d: %d graphs, %d recorded, %d launched, %d copies, %d waits", p.Name, run+1, graphs, recorded,
			launched, copies, after.Waits-before.Waits)
	}
	if run == 2 {
		t.Logf("%s: %d recorded", p.Name, recorded)
	}
}
