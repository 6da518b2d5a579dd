package retrain

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"zos-ort/models/ranks"
	"zos-ort/models/stream"
	"zos-ort/ort/program"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// Epoch is what is known after an epoch.
type Epoch struct {
	Epoch             int
	Rate, DropPath    float64
	Means             // over the steps
	TestLoss, TestAcc float64
	Time              time.Duration // not determined by the seed
}

// Means are figures of the steps of an epoch: their means or, while it runs, their sums.
type Means struct {
	TrainLoss, TrainAcc float64
	Norm                float64 // gradient norm before clipping
}

func (m Means) over(n int) Means {
	k := float64(n)
	return Means{m.TrainLoss / k, m.TrainAcc / k, m.Norm / k}
}

// Recorder receives what a training reports.
type Recorder = train.Recorder[Epoch, Snapshot]

// Snapshot is where a training stands between two steps: with the state vectors of its net, all
// that it takes to go on as if it had never stopped.
type Snapshot struct {
	Epoch int // running
	Step  int // of the epoch, to be made next; their number when only the evaluation is left
	Sums  Means
	Time  time.Duration // of the running epoch so far
	Last  *Epoch        // the epoch before, if any
	Ranks int           `json:",omitempty"` // that have trained together; 0 is one
}

// on is the snapshot for a number of ranks.
func (s Snapshot) on(size int) Snapshot {
	step, x := train.Carry(s.Step, s.Ranks, size)
	s.Step, s.Sums = step, Means{s.Sums.TrainLoss * x, s.Sums.TrainAcc * x, s.Sums.Norm * x}
	return s
}

// Start is a snapshot with the state that belongs to it.
type Start struct {
	Snapshot
	Vectors program.Vectors
}

// Result is a trained network.
type Result struct{ Last Epoch }

// training is a network in the runtime.
type training struct {
	Config
	ranks        *ranks.Together
	net          *program.Net
	step         *train.Learner
	eval         *program.Runner
	images, test *data.Loader
}

// Run trains on images and evaluates on test after every epoch. The same configuration and images give the
// same bits, whether the training starts anew (from is nil) or resumes from what an earlier one saved. When
// ctx is cancelled Run finishes the running step, saves, and returns ctx's error. With Config.Ranks every rank calls
// Run, as in package search.
func Run(ctx context.Context, c Config, images, test *data.Set, from *Start, r Recorder) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	t := &training{Config: c, ranks: ranks.NewTogether(ctx, c.Ranks)}
	defer t.close()
	var at Snapshot
	var v program.Vectors
	if from != nil {
		at, v = from.Snapshot.on(t.ranks.Size()), from.Vectors
	}
	if err := t.open(images, test, v); err != nil {
		return nil, err
	}
	err := train.Loop[Epoch, Snapshot]{Net: t.net, Recorder: r,
		Done:     func() bool { return at.Epoch >= c.Epochs },
		Epoch:    func() (Epoch, error) { return t.epoch(&at, r) },
		Next:     func(ep Epoch) error { at = Snapshot{Epoch: at.Epoch + 1, Last: &ep}; return nil },
		Snapshot: func() Snapshot { at.Ranks = ranks.Several(t.ranks); return at },
	}.Run(t.ranks)
	if err != nil {
		return nil, err
	}
	return &Result{Last: *at.Last}, nil
}

// open builds the programs and their state, fresh where v has no weights.
func (t *training) open(images, test *data.Set, v program.Vectors) error {
	spec, err := t.Spec(images.Size).Learn()
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	step, err := train.EmitLearner(spec, t.ranks.Size())
	if err != nil {
		return err
	}
	eval, err := spec.Evaluate()
	if err != nil {
		return err
	}
	shape := step.Shape()
	if v.Weights == nil {
		v.Weights = shape.Weights.Initialize(stream.New(t.Seed, stream.TrainWeights, 0))
	}
	if err := t.ranks.Err(); err != nil {
		return err
	}
	if t.net, err = program.NewNet(shape, v, t.Options); err != nil {
		return err
	}
	if t.step, err = train.OpenLearner(t.net, step, t.ranks); err != nil {
		return err
	}
	if t.eval, err = t.net.OpenForward(eval); err != nil {
		return err
	}
	// A step takes its batch even when it is interrupted; the evaluation ends at once.
	part, parts := t.ranks.Rank(), t.ranks.Size()
	t.images, err = data.NewLoader(context.WithoutCancel(t.ranks), data.LoaderConfig{Set: images,
		Batch: t.Batch, Augment: t.Augment, Shuffle: true, Tail: data.TailDrop,
		Seed: stream.Seed(t.Seed, stream.TrainImages, 0), Part: part, Parts: parts})
	if err != nil {
		return err
	}
	t.test, err = data.NewLoader(t.ranks, data.LoaderConfig{Set: test, Batch: t.Batch, Tail: data.TailPad,
		Part: part, Parts: parts})
	return err
}

func (t *training) close() {
	for _, l := range []*data.Loader{t.images, t.test} {
		if l != nil {
			l.Close()
		}
	}
	if t.step != nil {
		t.step.Close()
	}
	if t.eval != nil {
		t.eval.Close()
	}
	if t.net != nil {
		t.net.Close()
	}
	t.ranks.End()
}

// epoch makes the steps of an epoch that are left and the evaluation after them. When it is cut
// short, at says where.
func (t *training) epoch(at *Snapshot, r Recorder) (Epoch, error) {
	ep := Epoch{Epoch: at.Epoch, Rate: train.Cosine(t.Rate, at.Epoch, t.Epochs),
		DropPath: t.DropPath * float64(at.Epoch) / float64(t.Epochs)}
	start, before := time.Now(), at.Time
	err := t.steps(at, ep, r)
	if err == nil {
		ep.TestLoss, ep.TestAcc, err = train.Accuracy(t.eval, t.test.Epoch(0), t.ranks)
	}
	at.Time = before + time.Since(start)
	ep.Time = at.Time
	if err != nil {
		return ep, err
	}
	ep.Means = at.Sums.over(t.images.Steps())
	return ep, t.watch(at.Epoch).Finite(ep.TestLoss, "an evaluation")
}

// steps makes the steps of an epoch from at.Step on.
func (t *training) steps(at *Snapshot, ep Epoch, r Recorder) error {
	t.step.Rate[0] = float32(ep.Rate)
	var pcg rand.PCG
	rng, n := rand.New(&pcg), t.images.Steps()
	nothing := func() error { return nil }
	return train.Steps(t.ranks, &at.Step, n, t.images.Epoch(at.Epoch), nothing, func(b *data.Batch) error {
		stream.Set(&pcg, t.Seed, stream.DropPath, uint64(at.Epoch), uint64(at.Step))
		dropPaths(t.step.DropPath, t.Batch, ep.DropPath, rng, t.ranks)
		err := t.step.Feed(b.Images, b.Labels)
		if err == nil {
			err = t.step.Run()
		}
		if err != nil {
			return t.watch(at.Epoch).Explain(err)
		}
		p := train.Progress{Epoch: at.Epoch, Step: at.Step + 1, Steps: n,
			Loss:     t.step.Loss(),
			Accuracy: float64(t.step.Correct()) / float64(t.Batch*t.ranks.Size())}
		if err := t.watch(at.Epoch).Finite(p.Loss, "a step"); err != nil {
			return err
		}
		at.Sums.TrainLoss += p.Loss
		at.Sums.TrainAcc += p.Accuracy
		at.Sums.Norm += float64(t.step.Norm[0])
		r.Step(p)
		return nil
	})
}

// watch explains what goes wrong in an epoch.
func (t *training) watch(epoch int) train.Watch {
	return train.Watch{Stage: "retrain", Net: t.net, Epoch: epoch}
}

// dropPaths draws the factor of every operation and sample of a batch of all ranks, 0 with probability p, else 1/(1-p),
// and keeps those of this rank's samples.
func dropPaths(factors []float32, batch int, p float64, rng *rand.Rand, g ranks.Group) {
	keep := float32(1 / (1 - p))
	for i := 0; i < len(factors); i += batch {
		for rank := range g.Size() {
			for j := range batch {
				factor := float32(0)
				if rng.Float64() >= p {
					factor = keep
				}
				if rank == g.Rank() {
					factors[i+j] = factor
				}
			}
		}
	}
}
