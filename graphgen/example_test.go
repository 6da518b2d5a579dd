package graphgen_test

import (
	"fmt"

	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
)

// A weight step of a small supernet, and the inputs that its runner has to feed.
func ExampleSpec_WeightStep() {
	net := supernet.Config{Channels: 4, Cells: 3, Classes: 10, Mask: space.DARTS.FullMask(), Partial: 1}
	step, err := net.Spec(8, 16, pass.Lowering{Passes: pass.All}).WeightStep()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range step.Signature.Inputs {
		if !p.Role.IsState() && p.Role != graphgen.Reset {
			fmt.Println(p.Role, p.Name, p.Type.Shape)
		}
	}
	fmt.Println(step.Weights.Len(), "weights")
	// Output:
	// image images [8 3 16 16]
	// label labels [8]
	// mix-weight mix/normal [98]
	// mix-weight mix/reduce [98]
	// rate rate []
	// 72854 weights
}
