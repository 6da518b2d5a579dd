package retrain

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

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
	net          *program.Net
	step, eval   *program.Runner
	images, test *data.Loader
}

// Run trains on images and evaluates on test after every epoch. The same configuration and images give the
// same bits, whether the training starts anew (from is nil) or resumes from what an earlier one saved. When
// ctx is cancelled Run finishes the running step, saves, and returns ctx's error.
func Run(ctx context.Context, c Config, images, test *data.Set, from *Start, r Recorder) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	t := &training{Config: c}
	defer t.close()
	var at Snapshot
	var v program.Vectors
	if from != nil {
		at, v = from.Snapshot, from.Vectors
	}
	if err := t.open(ctx, images, test, v); err != nil {
		return nil, err
	}
	err := train.Loop[Epoch, Snapshot]{Net: t.net, Recorder: r,
		Done:     func() bool { return at.Epoch >= c.Epochs },
		Epoch:    func(ctx context.Context) (Epoch, error) { return t.epoch(ctx, &at, r) },
		Next:     func(ep Epoch) error { at = Snapshot{Epoch: at.Epoch + 1, Last: &ep}; return nil },
		Snapshot: func() Snapshot { return at },
	}.Run(ctx)
	if err != nil {
		return nil, err
	}
	return &Result{Last: *at.Last}, nil
}

// open builds the programs and their state, fresh where v has no weights.
func (t *training) open(ctx context.Context, images, test *data.Set, v program.Vectors) error {
	spec, err := t.Spec(images.Size).Learn()
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	step, err := spec.WeightStep()
	if err != nil {
		return err
	}
	eval, err := spec.Evaluate()
	if err != nil {
		return err
	}
	if v.Weights == nil {
		v.Weights = step.Weights.Initialize(stream.New(t.Seed, stream.TrainWeights, 0))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	shape := program.Shape{Weights: step.Weights, Stats: step.Stats}
	if t.net, err = program.NewNet(shape, v, t.Options); err != nil {
		return err
	}
	if t.step, err = t.net.OpenWeightStep(step); err != nil {
		return err
	}
	if t.eval, err = t.net.OpenForward(eval); err != nil {
		return err
	}
	// A step takes its batch even when it is interrupted; the evaluation ends at once.
	t.images, err = data.NewLoader(context.WithoutCancel(ctx), data.LoaderConfig{Set: images,
		Batch: t.Batch, Augment: t.Augment, Shuffle: true, Tail: data.TailDrop,
		Seed: stream.Seed(t.Seed, stream.TrainImages, 0)})
	if err != nil {
		return err
	}
	t.test, err = data.NewLoader(ctx, data.LoaderConfig{Set: test, Batch: t.Batch, Tail: data.TailPad})
	return err
}

func (t *training) close() {
	for _, l := range []*data.Loader{t.images, t.test} {
		if l != nil {
			l.Close()
		}
	}
	for _, r := range []*program.Runner{t.step, t.eval} {
		if r != nil {
			r.Close()
		}
	}
	if t.net != nil {
		t.net.Close()
	}
}

// epoch makes the steps of an epoch that are left and the evaluation after them. When it is cut
// short, at says where.
func (t *training) epoch(ctx context.Context, at *Snapshot, r Recorder) (Epoch, error) {
	ep := Epoch{Epoch: at.Epoch, Rate: train.Cosine(t.Rate, at.Epoch, t.Epochs),
		DropPath: t.DropPath * float64(at.Epoch) / float64(t.Epochs)}
	start, before := time.Now(), at.Time
	err := t.steps(ctx, at, ep, r)
	if err == nil {
		ep.TestLoss, ep.TestAcc, err = train.Accuracy(t.eval, t.test.Epoch(0))
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
func (t *training) steps(ctx context.Context, at *Snapshot, ep Epoch, r Recorder) error {
	t.step.Rate[0] = float32(ep.Rate)
	var pcg rand.PCG
	rng, n := rand.New(&pcg), t.images.Steps()
	nothing := func() error { return nil }
	return train.Steps(ctx, &at.Step, n, t.images.Epoch(at.Epoch), nothing, func(b *data.Batch) error {
		stream.Set(&pcg, t.Seed, stream.DropPath, uint64(at.Epoch), uint64(at.Step))
		dropPaths(t.step.DropPath, ep.DropPath, rng)
		err := t.step.Feed(b.Images, b.Labels)
		if err == nil {
			err = t.step.Run()
		}
		if err != nil {
			return t.watch(at.Epoch).Explain(err)
		}
		p := train.Progress{Epoch: at.Epoch, Step: at.Step + 1, Steps: n,
			Loss:     float64(t.step.Loss[0]),
			Accuracy: float64(t.step.Correct[0]) / float64(t.Batch)}
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

// dropPaths draws the factor of every operation and sample: 0 with probability p, else 1/(1-p).
func dropPaths(factors []float32, p float64, rng *rand.Rand) {
	keep := float32(1 / (1 - p))
	for i := range factors {
		factors[i] = 0
		if rng.Float64() >= p {
			factors[i] = keep
		}
	}
}
