package graphgen_test

import (
	"bytes"
	"strings"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/pass"
	"zos-ort/graphgen/plan"
)

// Recomputation changes when values are computed but no bit of the results, and saves memory in
// both steps of a supernet. Programs without a backward pass stay the same.
func TestRecompute(t *testing.T) {
	for _, partial := range []int{1, 2} {
		s := small(partial)
		plain := programs(t, s)
		s.Recompute = pass.RecomputeOn
		for name, p := range programs(t, s) {
			copies := 0
			for _, n := range p.Graph.Nodes {
				if strings.HasSuffix(n.Scope, "/again") {
					copies++
				}
			}
			if nodes := len(p.Graph.Nodes); len(p.Graph.TrimNodes()) == 0 || len(p.Graph.Nodes) < nodes {
				t.Errorf("partial %d, %s: %d nodes are left that nobody needs", partial, name,
					nodes-len(p.Graph.Nodes))
			}
			step := strings.HasSuffix(name, "_step")
			if step != (copies > 0) || step == bytes.Equal(p.Model, plain[name].Model) {
				t.Errorf("partial %d, %s: %d copies", partial, name, copies)
			}
			peak, want := plan.Of(p.Graph).Peak, plan.Of(plain[name].Graph).Peak
			if step && peak > want*9/10 {
				t.Errorf("partial %d, %s: peak %d, without the pass %d: want a tenth less", partial, name,
					peak, want)
			}
			in := inputs(p, 4)
			out, state := run(t, p, in)
			wantOut, wantState := run(t, plain[name], in)
			for port := range wantOut {
				check.Close(t, name+" "+port, out[port].F, wantOut[port].F, 0, 0)
			}
			for port := range wantState {
				check.Close(t, name+" "+port, state[port].F, wantState[port].F, 0, 0)
			}
		}
	}
}

// Auto recomputes where it saves enough memory; elsewhere it leaves no trace.
func TestRecomputeAuto(t *testing.T) {
	emit := func(s graphgen.Spec, r pass.Recompute) []byte {
		s.Recompute = r
		return check.Must(s.WeightStep())(t).Model
	}
	s := small(1)
	if !bytes.Equal(emit(s, pass.RecomputeAuto), emit(s, pass.RecomputeOn)) {
		t.Error("auto is not on where a third of the peak can be saved")
	}
	s = small(2)
	s.Target, s.Batch = pass.CPUKernels, 8
	if bytes.Equal(emit(s, pass.RecomputeOn), emit(s, pass.RecomputeOff)) {
		t.Error("with our kernels there is nothing to recompute, so the next check proves nothing")
	}
	if !bytes.Equal(emit(s, pass.RecomputeAuto), emit(s, pass.RecomputeOff)) {
		t.Error("auto is not off with our kernels, where less than a twentieth can be saved")
	}
}

func TestParseRecompute(t *testing.T) {
	for _, r := range []pass.Recompute{pass.RecomputeOff, pass.RecomputeOn,
		pass.RecomputeAuto} {
		if got := check.Must(pass.ParseRecompute(r.String()))(t); got != r {
			t.Errorf("%v is read as %v", r, got)
		}
	}
	_, err := pass.ParseRecompute("maybe")
	check.Error(t, err, `use auto, on or off, got "maybe"`)
}
