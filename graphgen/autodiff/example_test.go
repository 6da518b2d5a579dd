package autodiff_test

import (
	"fmt"

	"zos-ort/graphgen/autodiff"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// The gradient of sum(x^2) is 2x.
func ExampleGrad() {
	g := ir.New("square")
	x := g.Input("x", ir.T(ir.Float, 3))
	loss := op.ReduceSumSquare{}.Of(x)
	g.Output("gradient", autodiff.Grad(loss, []*ir.Value{x})[0])
	out, err := eval.Run(g, map[string]*eval.Tensor{"x": eval.Floats([]float64{1, -2, 3}, 3)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out["gradient"].F)
	// Output: [2 -4 6]
}
