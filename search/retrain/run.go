package retrain

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"zos-ort/graphgen"
	"zos-ort/ort/program"
	"zos-ort/search"
	"zos-ort/search/data"
)

// Epoch is what is known after an epoch.
type Epoch struct {
	Epoch               int
	Rate, DropPath      float64
	TrainLoss, TrainAcc float64
	TestLoss, TestAcc   float64
	Norm                float64       // mean gradient norm before clipping
	Time                time.Duration // not determined by the seed
}

// Recorder receives what a training reports. Epoch may save the net; its error ends the training.
type Recorder interface {
	Step(search.Progress)
	Epoch(Epoch, *program.Net) error
}

// Result is a trained network.
type Result struct {
	Tensors graphgen.Tensors // weights and running statistics by name
	Last    Epoch
}

// Streams of random numbers of a training.
const (
	streamWeights = iota + 101
	streamTrain
	streamDropPath
)

// training is a network in the runtime.
type training struct {
	Config
	net         *program.Net
	step, eval  *program.Runner
	train, test *data.Loader
}

// Run trains on train and evaluates on test after every epoch. The same configuration and images
// give the same bits. When ctx is cancelled Run returns its error after the running step.
func Run(ctx context.Context, c Config, train, test *data.Set, r Recorder) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	t := &training{Config: c}
	defer t.close()
	if err := t.open(ctx, train, test); err != nil {
		return nil, err
	}
	res := new(Result)
	var err error
	for e := range c.Epochs {
		if res.Last, err = t.epoch(e, r); err != nil {
			return nil, err
		}
		if err = r.Epoch(res.Last, t.net); err != nil {
			return nil, err
		}
	}
	v, err := t.net.Vectors()
	if err != nil {
		return nil, err
	}
	res.Tensors = t.step.Program.Tensors(v.Weights, v.Means, v.Variances)
	return res, nil
}

func (t *training) open(ctx context.Context, train, test *data.Set) error {
	spec := t.Spec(train.Size)
	step, err := spec.WeightStep()
	if err != nil {
		return err
	}
	eval, err := spec.Evaluate()
	if err != nil {
		return err
	}
	weights := step.Weights.Initialize(rand.New(rand.NewPCG(t.Seed, streamWeights)))
	shape := program.Shape{Weights: step.Weights, Stats: step.Stats}
	if t.net, err = program.NewNet(shape, program.Vectors{Weights: weights}, t.Options); err != nil {
		return err
	}
	if t.step, err = t.net.Open(step); err != nil {
		return err
	}
	if t.eval, err = t.net.Open(eval); err != nil {
		return err
	}
	t.train, err = data.NewLoader(ctx, data.LoaderConfig{Set: train, Batch: t.Batch, Shuffle: true,
		Seed: t.Seed + streamTrain, Augment: t.Augment, Tail: data.TailDrop})
	if err != nil {
		return err
	}
	t.test, err = data.NewLoader(ctx, data.LoaderConfig{Set: test, Batch: t.Batch, Tail: data.TailPad})
	return err
}

func (t *training) close() {
	for _, l := range []*data.Loader{t.train, t.test} {
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

// epoch is one pass over the training images and the evaluation after it.
func (t *training) epoch(e int, r Recorder) (Epoch, error) {
	start := time.Now()
	ep := Epoch{Epoch: e, Rate: search.Cosine(t.Rate, e, t.Epochs),
		DropPath: t.DropPath * float64(e) / float64(t.Epochs)}
	rng := rand.New(rand.NewPCG(t.Seed+streamDropPath, uint64(e)))
	t.step.Float("rate")[0] = float32(ep.Rate)
	pass, n := t.train.Epoch(e), t.train.Steps()
	for i := range n {
		b, ok := pass.Next()
		if !ok {
			return ep, pass.Err()
		}
		if t.step.Has("drop_path") {
			dropPaths(t.step.Float("drop_path"), ep.DropPath, rng)
		}
		copy(t.step.Float("images"), b.Images)
		copy(t.step.Int("labels"), b.Labels)
		if err := t.step.Run(); err != nil {
			return ep, err
		}
		loss := float64(t.step.Float("loss")[0])
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return ep, fmt.Errorf("retrain: the loss in epoch %d is %v: lower the learning rate (--lr)", e, loss)
		}
		acc := float64(t.step.Float("correct")[0]) / float64(t.Batch)
		ep.TrainLoss += loss / float64(n)
		ep.TrainAcc += acc / float64(n)
		ep.Norm += float64(t.step.Float("norm")[0]) / float64(n)
		r.Step(search.Progress{Epoch: e, Step: i + 1, Steps: n, Loss: loss, Accuracy: acc})
	}
	var err error
	ep.TestLoss, ep.TestAcc, err = search.Accuracy(t.eval, t.test.Epoch(0))
	ep.Time = time.Since(start)
	return ep, err
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
