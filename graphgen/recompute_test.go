package graphgen_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/plan"
)

// Recomputation changes when values are computed but no bit of the results and of the state, for
// every runtime. Programs without a backward pass stay the same.
func TestRecompute(t *testing.T) {
	for _, target := range []pass.Target{pass.Portable, pass.CPUKernels, pass.CUDA} {
		for _, partial := range []int{1, 2} {
			s := small(partial)
			s.Target = target
			plain := programs(t, s)
			s.Recompute = pass.RecomputeOn
			on := programs(t, s)
			s.Recompute = pass.RecomputeMax
			most := programs(t, s)
			for name := range plain {
				what := target.String() + " " + name
				wantRecomputed(t, what, on[name], plain[name])
				wantRecomputed(t, what+" max", most[name], plain[name])
			}
		}
	}
}

// wantRecomputed checks that p computes what plain does, with copies where there is a backward pass.
func wantRecomputed(t *testing.T, what string, p, plain *graphgen.Program) {
	t.Helper()
	copies := 0
	for _, n := range p.Graph.Nodes {
		if strings.HasSuffix(n.Scope, "/again") {
			copies++
		}
	}
	if nodes := len(p.Graph.Nodes); len(p.Graph.TrimNodes()) == 0 || len(p.Graph.Nodes) < nodes {
		t.Errorf("%s: %d nodes are left that nobody needs", what, nodes-len(p.Graph.Nodes))
	}
	step := strings.HasSuffix(plain.Name, "_step")
	if step != (copies > 0) || step == bytes.Equal(p.Model, plain.Model) {
		t.Errorf("%s: %d copies", what, copies)
	}
	in := inputs(p, 4)
	out, state := run(t, p, in)
	wantOut, wantState := run(t, plain, in)
	for port := range wantOut {
		check.Close(t, what+" "+port, out[port].F, wantOut[port].F, 0, 0)
	}
	for port := range wantState {
		check.Close(t, what+" "+port, state[port].F, wantState[port].F, 0, 0)
	}
}

// The steps of a supernet need about half of the memory when images are most of it, and less with
// more time, but never more than the time allows. In bfloat16 the images are half as large.
func TestRecomputeSaves(t *testing.T) {
	for target, part := range map[pass.Target]float64{pass.Portable: .55, pass.CPUKernels: .55, pass.CUDA: .55,
		pass.CUDABFloat16: .85} {
		for _, emit := range []func(graphgen.Spec) (*graphgen.Program, error){graphgen.Spec.WeightStep,
			graphgen.Spec.AlphaStep} {
			s := small(1)
			s.Target, s.Batch = target, 256
			var peaks [3]int
			var times [3]float64
			for i, r := range []pass.Recompute{pass.RecomputeOff, pass.RecomputeOn, pass.RecomputeMax} {
				s.Recompute = r
				p := check.Must(emit(s))(t)
				peaks[i], times[i] = plan.Of(p.Graph).Peak, pass.StepTime(p.Graph, target)/times[0]
				if i == 0 {
					times[0] = pass.StepTime(p.Graph, target)
				}
			}
			t.Logf("%v: peaks %d, times %.3f %.3f", target, peaks, times[1], times[2])
			if float64(peaks[1]) > part*float64(peaks[0]) || peaks[2] > peaks[1] {
				t.Errorf("%v: peaks %d with recompute off, on, max", target, peaks)
			}
			if !(1 < times[1] && times[1] < 1.15 && times[2] < 1.33) {
				t.Errorf("%v: %.3f and %.3f of the time with recompute on and max", target, times[1], times[2])
			}
		}
	}
}

// Auto recomputes where there is much memory to save; elsewhere it leaves no trace.
func TestRecomputeAuto(t *testing.T) {
	emit := func(s graphgen.Spec, r pass.Recompute) []byte {
		s.Recompute = r
		return check.Must(s.WeightStep())(t).Model
	}
	s := small(1)
	if !bytes.Equal(emit(s, pass.RecomputeAuto), emit(s, pass.RecomputeOff)) {
		t.Error("auto is not off where the peak is small")
	}
	s.Batch = 1 << 14
	if !bytes.Equal(emit(s, pass.RecomputeAuto), emit(s, pass.RecomputeOn)) {
		t.Error("auto is not on where a third of a gigabyte can be saved")
	}
}

// The gradient of a mixing weight is computed with the images that it reads at hand, not at the end
// of the step, where all cells' images would wait for it.
func TestRecomputeSettles(t *testing.T) {
	s := small(1)
	s.Target, s.Recompute = pass.CPUKernels, pass.RecomputeOn
	g := check.Must(s.AlphaStep())(t).Graph
	order, at := plan.FromGraph(g).RuntimeOrder(), map[string]int{}
	var dots []string
	for position, i := range order {
		if i >= len(g.Nodes) {
			continue
		}
		n := g.Nodes[i]
		if _, ok := n.Op.(op.Dot); ok {
			dots = append(dots, n.Scope)
		}
		at[n.Scope] = position
	}
	before := func(cell string) int {
		return slices.IndexFunc(dots, func(scope string) bool { return strings.HasPrefix(scope, cell+"/") })
	}
	if last, first := before("cell2"), before("cell0"); last < 0 || first < 0 || last > first {
		t.Fatalf("dots of cells in the order %v", dots)
	}
	for _, scope := range dots {
		if strings.HasPrefix(scope, "cell2/") && at[scope] > at["cell2/preprocess1/grad"] {
			t.Errorf("%s waits until its cell is done", scope)
		}
	}
}

func TestParseRecompute(t *testing.T) {
	for _, r := range []pass.Recompute{pass.RecomputeOff, pass.RecomputeOn, pass.RecomputeAuto,
		pass.RecomputeMax} {
		if got := check.Must(pass.ParseRecompute(r.String()))(t); got != r {
			t.Errorf("%v is read as %v", r, got)
		}
	}
	_, err := pass.ParseRecompute("maybe")
	check.Error(t, err, `use auto, on, off or max, got "maybe"`)
}

// Copies of units get the statistics, and gradients of units the results, that the step has; and no part of a copy of a
// split is computed that nobody reads. What the evaluator makes of them shows that they are the right ones.
func TestRecomputeKnows(t *testing.T) {
	for _, partial := range []int{1, 2} {
		s := small(partial)
		s.Target, s.Recompute = pass.CPUKernels, pass.RecomputeMax
		for _, p := range []*graphgen.Program{check.Must(s.WeightStep())(t), check.Must(s.AlphaStep())(t)} {
			var copies, gradients, results int
			readers := p.Graph.Readers()
			for _, n := range p.Graph.Nodes {
				switch n.Op.(type) {
				case op.ReluConvNorm:
					if again := strings.HasSuffix(n.Scope, "/again"); again != op.KnowsStatistics(n) {
						t.Errorf("%s, %s: knows its statistics: %v", p.Name, n.Scope, !again)
					} else if again {
						copies++
					}
				case op.ReluConvNormGrad:
					gradients++
					if op.Result(n) != nil {
						results++
					}
				case op.Split:
					for i, v := range n.Out {
						if len(readers[v]) == 0 {
							t.Errorf("%s, %s: nobody reads part %d", p.Name, n.Scope, i)
						}
					}
				}
			}
			if copies == 0 || 4*results < gradients {
				t.Errorf("%s: %d copies, %d of %d gradients have the result", p.Name, copies, results, gradients)
			}
		}
	}
}
