package search

import (
	"context"
	"fmt"
	"math"
	"time"

	"zos-ort/models/space"
	"zos-ort/ort/program"
	"zos-ort/search/data"
)

// Result is what a search found.
type Result struct {
	Alphas   *space.Alphas
	Genotype space.Genotype
	Last     Epoch
}

// Run searches: half of the images train the weights, the other half the architecture parameters.
// From the epoch Warmup on, every weight step is preceded by an alpha step. The same configuration
// and images give the same bits. When ctx is cancelled Run returns its error after the running step.
func Run(ctx context.Context, c Config, train *data.Set, r Recorder) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	spec := c.Spec(train.Size)
	spec.Kernels = true
	programs, err := Emit(spec)
	if err != nil {
		return nil, err
	}
	vectors := program.Vectors{Weights: c.InitialWeights(programs.Weight.Weights)}
	steps, err := Open(programs, vectors, c.InitialAlphas(), c.Options)
	if err != nil {
		return nil, err
	}
	defer steps.Close()
	steps.Adam.Rate = c.Alpha
	l, err := c.loaders(ctx, train)
	if err != nil {
		return nil, err
	}
	defer l.close()
	res := &Result{Alphas: steps.Alphas}
	for e := range c.Epochs {
		if res.Last, err = c.epoch(e, steps, l, r); err != nil {
			return nil, err
		}
		res.Genotype = res.Last.Genotype
		if err := r.Epoch(res.Last); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// loaders are the three views of the training images.
type loaders struct{ weights, alphas, valid *data.Loader }

func (l *loaders) close() {
	for _, x := range []*data.Loader{l.weights, l.alphas, l.valid} {
		if x != nil {
			x.Close()
		}
	}
}

func (c Config) loaders(ctx context.Context, train *data.Set) (*loaders, error) {
	w, a := data.Split(train.Len(), c.Seed+streamSplit)
	valid := a
	if c.Valid > 0 && c.Valid < len(a) {
		valid = a[:c.Valid]
	}
	l := new(loaders)
	for _, x := range []struct {
		to  **data.Loader
		cfg data.LoaderConfig
	}{
		{&l.weights, data.LoaderConfig{Indices: w, Seed: c.Seed + streamTrain, Augment: c.Augment,
			Shuffle: true, Tail: data.TailDrop}},
		{&l.alphas, data.LoaderConfig{Indices: a, Seed: c.Seed + streamValid, Augment: c.Augment,
			Shuffle: true}},
		{&l.valid, data.LoaderConfig{Indices: valid, Tail: data.TailPad}},
	} {
		x.cfg.Set, x.cfg.Batch = train, c.Batch
		var err error
		if *x.to, err = data.NewLoader(ctx, x.cfg); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// epoch is one pass over the weights' half and the evaluation after it.
func (c Config) epoch(e int, s *Steps, l *loaders, r Recorder) (Epoch, error) {
	start := time.Now()
	ep := Epoch{Epoch: e, Rate: Cosine(c.Rate, e, c.Epochs), Alphas: s.Alphas}
	waited := l.weights.Waited() + l.alphas.Waited()
	pass, other := l.weights.Epoch(e), l.alphas.Endless(e)
	n, searching := l.weights.Steps(), e >= c.Warmup
	if searching {
		ep.Lambda = c.Beta * float64(e)
	}
	for i := range n {
		p := Progress{Epoch: e, Step: i + 1, Steps: n}
		if searching {
			if err := c.alphaStep(&ep, &p, s, other); err != nil {
				return ep, err
			}
		}
		if err := c.weightStep(&ep, &p, s, pass); err != nil {
			return ep, err
		}
		r.Step(p)
	}
	scale(n, &ep.TrainLoss, &ep.TrainAcc, &ep.AlphaLoss, &ep.AlphaAcc, &ep.Norm)
	evaluated := time.Now()
	var err error
	for _, t := range space.CellTypes {
		s.feedMix(s.eval, t)
	}
	if ep.ValidLoss, ep.ValidAcc, err = Accuracy(s.eval, l.valid.Epoch(0)); err != nil {
		return ep, err
	}
	for _, t := range space.CellTypes {
		ep.Entropy[t] = s.Alphas.Entropy(t)
	}
	ep.Time.Eval, ep.Time.Total = time.Since(evaluated), time.Since(start)
	ep.Time.Waited = l.weights.Waited() + l.alphas.Waited() - waited
	ep.Genotype, err = s.Alphas.Genotype()
	return ep, err
}

func scale(n int, sums ...*float64) {
	for _, s := range sums {
		*s /= float64(n)
	}
}

func (c Config) alphaStep(ep *Epoch, p *Progress, s *Steps, pass *data.Pass) error {
	b, err := next(pass)
	if err != nil {
		return err
	}
	start := time.Now()
	o, err := s.AlphaStep(b.Images, b.Labels, ep.Lambda)
	ep.Time.Alpha += time.Since(start)
	if err != nil {
		return diverged(err, s, ep.Epoch)
	}
	ep.AlphaLoss += o.Loss
	ep.AlphaAcc += float64(o.Correct) / float64(c.Batch)
	p.AlphaLoss = o.Loss
	return finite(o.Loss, s, "alpha step", ep.Epoch)
}

func (c Config) weightStep(ep *Epoch, p *Progress, s *Steps, pass *data.Pass) error {
	b, err := next(pass)
	if err != nil {
		return err
	}
	start := time.Now()
	o, err := s.WeightStep(b.Images, b.Labels, ep.Rate)
	ep.Time.Weight += time.Since(start)
	if err != nil {
		return diverged(err, s, ep.Epoch)
	}
	p.Loss, p.Accuracy = o.Loss, float64(o.Correct)/float64(c.Batch)
	ep.TrainLoss += p.Loss
	ep.TrainAcc += p.Accuracy
	ep.Norm += o.Norm
	return finite(o.Loss, s, "weight step", ep.Epoch)
}

func finite(loss float64, s *Steps, what string, epoch int) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	err := fmt.Errorf("search: the loss of a %s in epoch %d is %v: lower the learning rate (--lr)",
		what, epoch, loss)
	return diverged(err, s, epoch)
}

// largeWeight is far above any weight of a network that learns; products of a few overflow.
const largeWeight = 1e6

// diverged explains the error of a step on weights that have grown without bound: operators then
// fail each in its own way, MaxPoolGrad because there is no maximum among NaNs. Other errors stay.
func diverged(err error, s *Steps, epoch int) error {
	v, unread := s.Net.Vectors()
	if unread != nil {
		return err
	}
	for _, w := range v.Weights {
		if !(math.Abs(float64(w)) < largeWeight) {
			return fmt.Errorf("search: a weight has grown to %v in epoch %d: lower the learning rate (--lr)",
				w, epoch)
		}
	}
	return err
}

func next(p *data.Pass) (*data.Batch, error) {
	if b, ok := p.Next(); ok {
		return b, nil
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("search: the loader ended early")
}

// Accuracy runs an evaluation program over a pass: mean cross entropy and the fraction of images
// whose top class is the label. Inputs other than the images must have been set.
func Accuracy(eval *program.Runner, p *data.Pass) (loss, acc float64, err error) {
	port, err := eval.Program.Signature.Out("logits")
	if err != nil {
		return 0, 0, err
	}
	seen, correct := 0, 0
	for {
		b, ok := p.Next()
		if !ok {
			break
		}
		copy(eval.Float("images"), b.Images)
		if err := eval.Run(); err != nil {
			return 0, 0, err
		}
		l, c := CrossEntropy(eval.Float("logits"), b.Labels[:b.Count], port.Type.Shape[1])
		loss, correct, seen = loss+l, correct+c, seen+b.Count
	}
	if err := p.Err(); err != nil {
		return 0, 0, err
	}
	return loss / float64(seen), float64(correct) / float64(seen), nil
}

// CrossEntropy sums -log softmax(row)[label] over the labels and counts the rows of
// logits[n][classes] whose largest element is the label.
func CrossEntropy(logits []float32, labels []int64, classes int) (sum float64, correct int) {
	for i, y := range labels {
		row := logits[i*classes : (i+1)*classes]
		top := 0
		for j, z := range row {
			if z > row[top] {
				top = j
			}
		}
		total := 0.0
		for _, z := range row {
			total += math.Exp(float64(z) - float64(row[top]))
		}
		sum += math.Log(total) + (float64(row[top]) - float64(row[y]))
		if top == int(y) {
			correct++
		}
	}
	return sum, correct
}
