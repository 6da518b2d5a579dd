package supernet_test

import (
	"fmt"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
)

// A supernet lowered for CUDA has the gradients and statistics of the ordinary one.
func TestCUDAComputesTheSame(t *testing.T) {
	for _, partial := range []int{1, 4} {
		c := small(randomMask(3), partial, pass.All)
		if partial == 1 {
			c.Mask = space.DARTS.FullMask()
		}
		s := spec(c, 3, 8)
		for i, emit := range []func(graphgen.Spec) (*graphgen.Program, error){
			graphgen.Spec.WeightStep, graphgen.Spec.AlphaStep} {
			s.Target = pass.Portable
			plain := check.Must(emit(s))(t)
			s.Target = pass.CUDA
			want, wantState := run(t, plain)
			out, state := run(t, check.Must(emit(s))(t))
			what := fmt.Sprintf("partial %d, program %d: ", partial, i)
			for name := range want {
				check.Close(t, what+name, out[name].F, want[name].F, 1e-11, 1e-9)
			}
			for name := range wantState {
				check.Close(t, what+name, state[name].F, wantState[name].F, 1e-11, 1e-9)
			}
		}
	}
}
