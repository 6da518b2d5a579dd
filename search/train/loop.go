// Package train is what the search of a supernet and the training of a derived network share: the
// loop over epochs that saves and resumes, the loop over the steps of an epoch, evaluation, the
// schedule of the learning rate, and the watch for divergence.
package train

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime/debug"

	"zos-ort/models/ranks"
	"zos-ort/ort/program"
	"zos-ort/search/data"
)

// Progress is told after every step.
type Progress struct {
	Epoch, Step, Steps int
	Loss, Accuracy     float64 // of the training batch
	AlphaLoss          float64 // of a search after its warm-up
	// Decides marks an evaluation that decides about an operation or an edge: Loss and Accuracy are those of
	// validation images, and Steps is not known.
	Decides bool
}

// Recorder receives what a training reports: a step, an epoch E, and a snapshot S of where it
// stands. An error of Epoch or Save ends the training.
type Recorder[E, S any] interface {
	Step(Progress)
	Epoch(E) error
	// Save is called after every epoch and when the training is interrupted. The state of the net
	// belongs to the same moment as the snapshot.
	Save(S, *program.Net) error
}

// Loop is a training, epoch by epoch. With a snapshot and the state of the net that belongs to it, a training
// continues to the same bits as if it had never stopped.
type Loop[E, S any] struct {
	Net      *program.Net
	Recorder Recorder[E, S]
	// Done reports whether no epoch is left.
	Done func() bool
	// Epoch makes what is left of the running epoch. When the context of Run is cancelled it returns
	// the context's error between two steps.
	Epoch func() (E, error)
	// Next moves on to the epoch after one that is complete.
	Next func(E) error
	// Snapshot is where the training stands between two steps.
	Snapshot func() S
	// Alike are numbers beside the state of the net that ranks have in common; nil is none.
	Alike func() []float64
}

// Run makes the epochs that are left. When the context is cancelled it finishes the running step, saves,
// and returns the context's error.
func (l Loop[E, S]) Run(ctx *ranks.Together) error {
	l.Net.Trim()
	defer collectOften()()
	for !l.Done() {
		e, err := l.Epoch()
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) { // between two steps
			if failed := l.save(ctx); failed != nil {
				return failed
			}
		}
		if err != nil {
			return err
		}
		if err := l.Recorder.Epoch(e); err != nil {
			return err
		}
		if err := l.Next(e); err != nil {
			return err
		}
		if err := l.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// litter is how much garbage a run may leave before it is collected, in percent of the live memory. Go waits for 100 otherwise,
// and the live memory is the images of the process.
const litter = 20

// collectOften sets that, unless less is set, until it is undone.
func collectOften() (undo func()) {
	before := debug.SetGCPercent(litter)
	if before >= 0 && before < litter {
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}

// save hands a snapshot to the recorder. Ranks first make sure that they have the same.
func (l Loop[E, S]) save(g ranks.Group) error {
	if g.Size() > 1 {
		v, err := l.Net.Vectors()
		if err != nil {
			return err
		}
		var others []float64
		if l.Alike != nil {
			others = l.Alike()
		}
		if err := ranks.Alike(g, "weights", bits(v, others)); err != nil {
			return err
		}
	}
	return l.Recorder.Save(l.Snapshot(), l.Net)
}

// bits are those of a state and other numbers.
func bits(v program.Vectors, others []float64) (b []byte) {
	for _, x := range [][]float32{v.Weights, v.Momentum, v.Means, v.Variances} {
		for _, y := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(y))
		}
	}
	for _, x := range others {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b
}

// Steps makes the steps of an epoch from *at on, one batch of the pass each, and counts them in
// *at. Every batch of the steps before is skipped, as skip does with whatever else a step takes.
func Steps(ctx *ranks.Together, at *int, n int, pass *data.Pass, skip func() error,
	step func(*data.Batch) error) error {
	for range *at {
		if _, err := Batch(pass); err != nil {
			return err
		}
		if err := skip(); err != nil {
			return err
		}
	}
	for *at < n {
		if err := ctx.Agree(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := Batch(pass)
		if err != nil {
			return err
		}
		if err := step(b); err != nil {
			return err
		}
		*at++
	}
	return nil
}

// Batch is the next batch of a pass that has one.
func Batch(p *data.Pass) (*data.Batch, error) {
	if b, ok := p.Next(); ok {
		return b, nil
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("train: the loader ended early")
}

// Carry is the step at which an epoch goes on that so many ranks have begun and others take up (0 ranks are one), with the
// factor of what was summed over its steps. Theirs are larger or smaller: they begin after the whole steps that belong to no
// more images than were seen.
func Carry(step, before, now int) (to int, factor float64) {
	before = max(1, before)
	if before == now || step == 0 {
		return step, 1
	}
	to = step * before / now
	return to, float64(to) / float64(step)
}

// Cosine is the learning rate of epoch e of n: rate (1 + cos(pi e / n)) / 2.
func Cosine(rate float64, e, n int) float64 {
	return rate * (1 + math.Cos(math.Pi*float64(e)/float64(n))) / 2
}
