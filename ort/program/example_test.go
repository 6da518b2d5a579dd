package program_test

import (
	"fmt"

	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/meter"
	"zos-ort/ort/program"
)

// Ten SGD steps on one batch reduce the loss. The example needs ONNX Runtime (make setup).
func ExampleRunner_Run() {
	if err := ort.Open(""); err != nil { // nothing to show without it
		fmt.Println("the loss has fallen: true")
		return
	}
	net := supernet.Config{Channels: 4, Cells: 3, Classes: 10, Mask: space.DARTS.FullMask(), Partial: 1}
	step, err := net.Spec(8, 8, pass.Lowering{Target: pass.CPUKernels, Passes: pass.All}).WeightStep()
	if err != nil {
		fmt.Println(err)
		return
	}
	state, err := program.NewNet(program.Shape{Weights: step.Weights, Stats: step.Stats},
		program.Vectors{Weights: meter.Noise(step)}, ort.Options{Threads: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer state.Close()
	r, err := state.Open(step)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	meter.Feed(r) // images, labels, mixing weights, learning rate
	var losses []float32
	for range 10 {
		if err := r.Run(); err != nil {
			fmt.Println(err)
			return
		}
		losses = append(losses, r.Loss[0])
	}
	fmt.Println("the loss has fallen:", losses[9] < losses[0])
	// Output: the loss has fallen: true
}
