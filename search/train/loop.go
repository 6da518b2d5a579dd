// Package train is what the search of a supernet and the training of a derived network share: the
// loop over epochs that saves and resumes, the loop over the steps of an epoch, evaluation, the
// schedule of the learning rate, and the watch for divergence.
package train

import (
	"context"
	"errors"
	"fmt"
	"math"

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
	// Epoch makes what is left of the running epoch. When its context is cancelled it returns the
	// context's error between two steps.
	Epoch func(context.Context) (E, error)
	// Next moves on to the epoch after one that is complete.
	Next func(E) error
	// Snapshot is where the training stands between two steps.
	Snapshot func() S
}

// Run makes the epochs that are left. When ctx is cancelled it finishes the running step, saves,
// and returns the context's error.
func (l Loop[E, S]) Run(ctx context.Context) error {
	l.Net.Trim()
	for !l.Done() {
		e, err := l.Epoch(ctx)
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) { // between two steps
			if failed := l.save(); failed != nil {
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
		if err := l.save(); err != nil {
			return err
		}
	}
	return nil
}

func (l Loop[E, S]) save() error { return l.Recorder.Save(l.Snapshot(), l.Net) }

// Steps makes the steps of an epoch from *at on, one batch of the pass each, and counts them in
// *at. Every batch of the steps before is skipped, as skip does with whatever else a step takes.
func Steps(ctx context.Context, at *int, n int, pass *data.Pass, skip func() error,
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

// Cosine is the learning rate of epoch e of n: rate (1 + cos(pi e / n)) / 2.
func Cosine(rate float64, e, n int) float64 {
	return rate * (1 + math.Cos(math.Pi*float64(e)/float64(n))) / 2
}
