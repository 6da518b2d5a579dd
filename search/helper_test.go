package search_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/search"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// runtime opens ONNX Runtime, or skips the test where there is none.
func runtime(t *testing.T) {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// tinyConfig is a search that takes a second: three cells of four channels, little more
// than one operation per edge, none among them.
func tinyConfig() search.Config {
	mask, _ := space.DARTS.RandomMask(rand.New(rand.NewPCG(5, 1)), .1)
	return search.Config{
		Net:   supernet.Config{Channels: 4, Cells: 3, Classes: 10, Mask: mask, Partial: 1},
		Batch: 4, Epochs: 2, Warmup: 1, Rate: .05, Alpha: 6e-3, Beta: .5,
		Augment: data.Augment{Pad: 1, Flip: true}, Seed: 3, Options: ort.Options{Threads: 1},
		Lowering: pass.Lowering{Target: pass.CPUKernels, Passes: pass.All},
	}
}

// images is a small generated set: 24 images of 8x8.
func images(t *testing.T) *data.Set {
	t.Helper()
	train, _, err := data.Synthetic(data.SyntheticConfig{Size: 8, Train: 24, Test: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return train
}

// recorder keeps what a search reports, with the alphas as they were.
type recorder struct {
	steps  []train.Progress
	epochs []search.Epoch
	onStep func(train.Progress)
	fail   error  // of Epoch
	saved  []byte // the last snapshot as JSON
	state  program.Vectors
	full   error // of Save
}

// Save implements search.Recorder.
func (r *recorder) Save(s search.Snapshot, n *program.Net) (err error) {
	if r.saved, err = json.Marshal(s); err == nil {
		r.state, err = n.Vectors()
	}
	return errors.Join(r.full, err)
}

// start is what was saved.
func (r *recorder) start(t *testing.T) *search.Start {
	t.Helper()
	s := &search.Start{Vectors: r.state}
	if err := json.Unmarshal(r.saved, &s.Snapshot); err != nil {
		t.Fatal(err)
	}
	return s
}

func (r *recorder) Step(p train.Progress) {
	r.steps = append(r.steps, p)
	if r.onStep != nil {
		r.onStep(p)
	}
}

func (r *recorder) Epoch(e search.Epoch) error {
	e.Alphas, e.Time = e.Alphas.Clone(), search.Times{}
	r.epochs = append(r.epochs, e)
	return r.fail
}
