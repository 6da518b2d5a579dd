package search

import (
	"context"
	"errors"
	"slices"
	"time"

	"zos-ort/models/budget"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/models/stream"
	"zos-ort/ort/program"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// Result is what a search found.
type Result struct {
	Alphas   *space.Alphas
	Genotype space.Genotype
	Last     Epoch // the epoch that the genotype is from
	Stop     *Stop // nil if the search ran to its end
}

// Run searches: half of the images train the weights, the other half the architecture parameters.
// From the epoch Warmup on, every weight step is preceded by an alpha step. The same configuration
// and images give the same bits, whether the search starts anew (from is nil) or resumes from what an
// earlier one saved. When ctx is cancelled Run finishes the running step, saves, and returns ctx's
// error.
//
// With Config.Ranks every rank calls Run, with images of its own copy, the same from, and a recorder that may do
// nothing on all but one. All get the same result. When ctx of one of them is cancelled all save and return.
func Run(ctx context.Context, c Config, images *data.Set, from *Start, r Recorder) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	together := ranks.NewTogether(ctx, c.Ranks)
	defer together.End()
	steps, err := c.open(together, images, from)
	if err != nil {
		return nil, err
	}
	defer steps.Close()
	l, err := c.loaders(together, images)
	if err != nil {
		return nil, err
	}
	defer l.close()
	at := Snapshot{Alphas: steps.Alphas}
	if from != nil {
		at = from.Snapshot.on(c.ranks())
	}
	err = train.Loop[Epoch, Snapshot]{Net: steps.Net, Recorder: r,
		Done: func() bool { return at.Epoch >= c.epochs() || at.Stop != nil },
		Epoch: func() (Epoch, error) {
			if c.StopOnSkips > 0 && at.Before == nil {
				at.Before = steps.Alphas.Clone()
			}
			return c.epoch(together, &at, steps, l, r)
		},
		Next:     func(ep Epoch) (err error) { at, err = c.after(at, ep, steps); return err },
		Snapshot: func() Snapshot { return at.with(steps) },
		Alike:    steps.Alphas.Vector,
	}.Run(together)
	if err != nil {
		return nil, err
	}
	alphas, err := derived(at.Recent, steps.Alphas)
	if err != nil {
		return nil, err
	}
	return &Result{Alphas: alphas, Genotype: at.Last.Genotype, Last: *at.Last,
		Stop: at.Stop}, nil
}

// with completes the snapshot with the architecture parameters and what else changes them.
func (s Snapshot) with(steps *Steps) Snapshot {
	s.Alphas, s.Adam, s.Prices = steps.Alphas, steps.Adam.State, slices.Clone(steps.Prices)
	s.Ranks = ranks.Several(steps.group)
	if steps.batch != nil {
		s.Kept = new([2][]space.Set)
		for _, t := range steps.cellTypes() {
			s.Kept[t] = slices.Clone(steps.Kept.Sets(t))
		}
	}
	if steps.freezer != nil {
		frozen := steps.freezer.state.clone()
		s.Frozen = &frozen
	}
	return s
}

// open builds the programs and their state, fresh or as it was saved.
func (c Config) open(ctx context.Context, images *data.Set, from *Start) (*Steps, error) {
	programs, err := c.emit(images.Size)
	if err != nil {
		return nil, err
	}
	var vectors program.Vectors
	alphas := c.InitialAlphas()
	if from == nil {
		vectors.Weights = c.InitialWeights(programs.Shape().Weights)
	} else {
		vectors = from.Vectors
		if from.Alphas.Mask() != alphas.Mask() || from.Alphas.Len() != alphas.Len() {
			return nil, errors.New("search: the saved alphas belong to another mask")
		}
		alphas = from.Alphas.Clone()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	steps, err := open(programs, vectors, alphas, c.Options, c.Ranks)
	if err != nil {
		return nil, err
	}
	steps.Adam.Rate, steps.Form = c.AlphaRate(images.Len()), c.Form
	steps.Limits, steps.Prices = c.Limits, make(budget.Prices, len(c.Limits))
	var frozen *Frozen
	if from != nil {
		copy(steps.Prices, from.Prices)
		err = steps.Adam.Restore(from.Adam)
		frozen = from.Frozen
		if from.Kept != nil {
			for t, e := range steps.Kept.Places() {
				steps.Kept.Put(t, e, from.Kept[t][e])
			}
		}
	}
	if c.FreezeBelow > 0 {
		steps.freezer = newFreezer(c.FreezeBelow, programs.Shape().Weights, steps.weight.Keep, frozen)
	}
	if err != nil {
		steps.Close()
		return nil, err
	}
	return steps, nil
}

// loaders are the views of the training images; judge is nil unless a perturbation decides.
type loaders struct{ weights, alphas, valid, judge *data.Loader }

func (l *loaders) close() {
	for _, x := range []*data.Loader{l.weights, l.alphas, l.valid, l.judge} {
		if x != nil {
			x.Close()
		}
	}
}

func (c Config) loaders(ctx context.Context, images *data.Set) (*loaders, error) {
	w, a := data.Split(images.Len(), c.Seed)
	valid := a
	if c.Valid > 0 && c.Valid < len(a) {
		valid = a[:c.Valid]
	}
	judge := a
	if c.Perturb != nil && c.Perturb.Images > 0 && c.Perturb.Images < len(a) {
		judge = a[:c.Perturb.Images]
	}
	l := new(loaders)
	// A step takes its batches even when it is interrupted; the evaluation ends at once.
	steady := context.WithoutCancel(ctx)
	for _, x := range []struct {
		to  **data.Loader
		ctx context.Context
		cfg data.LoaderConfig
	}{
		{&l.weights, steady, data.LoaderConfig{Indices: w, Augment: c.Augment, Shuffle: true,
			Seed: stream.Seed(c.Seed, stream.WeightImages, 0), Tail: data.TailDrop}},
		{&l.alphas, steady, data.LoaderConfig{Indices: a, Augment: c.Augment, Shuffle: true,
			Seed: stream.Seed(c.Seed, stream.AlphaImages, 0), Tail: data.TailPad}}, // endless: it has no tail
		{&l.valid, ctx, data.LoaderConfig{Indices: valid, Tail: data.TailPad}},
		{&l.judge, ctx, data.LoaderConfig{Indices: judge, Tail: data.TailDrop}},
	} {
		if x.to == &l.judge && c.Perturb == nil {
			continue
		}
		x.cfg.Set, x.cfg.Batch, x.cfg.Part, x.cfg.Parts = images, c.Batch, ranks.Of(c.Ranks).Rank(), c.ranks()
		var err error
		if *x.to, err = data.NewLoader(x.ctx, x.cfg); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// epoch makes the steps of an epoch that are left and the evaluation after them. When it is cut
// short, at says where.
func (c Config) epoch(together *ranks.Together, at *Snapshot, s *Steps, l *loaders,
	r Recorder) (Epoch, error) {
	ep := Epoch{Epoch: at.Epoch, Rate: c.rate(at.Epoch)}
	if at.Epoch >= c.Warmup {
		ep.Lambda = c.Beta * float64(at.Epoch)
	}
	start, before := time.Now(), at.Time
	waited := l.weights.Waited() + l.alphas.Waited()
	defer func() {
		at.Time.Total = before.Total + time.Since(start)
		at.Time.Waited = before.Waited + l.weights.Waited() + l.alphas.Waited() - waited
	}()
	err := c.decide(at.Epoch, c.judge(together, at.Epoch, s, l, r))
	if err == nil {
		err = c.steps(together, at, ep, s, l, r)
	}
	if err != nil {
		return ep, err
	}
	evaluated := time.Now()
	for _, t := range s.cellTypes() {
		s.feedMix(s.eval, t)
		ep.Entropy[t] = s.Alphas.Entropy(t)
	}
	if ep.ValidLoss, ep.ValidAcc, err = train.Accuracy(s.eval, l.valid.Epoch(0), together); err != nil {
		return ep, err
	}
	if err := s.watch(at.Epoch).Finite(ep.ValidLoss, "an evaluation"); err != nil {
		return ep, err
	}
	if s.freezer != nil {
		ep.Frozen = len(s.freezer.state.Places)
	}
	ep.Means, ep.Time = at.Sums.over(max(1, c.weightSteps(at.Epoch, l.weights.Steps()))), at.Time
	ep.Time.Eval, ep.Time.Total = time.Since(evaluated), before.Total+time.Since(start)
	ep.Time.Waited += l.weights.Waited() + l.alphas.Waited() - waited
	if ep.Alphas, err = derived(c.window(at.Recent, at.Epoch, s.Alphas), s.Alphas); err != nil {
		return ep, err
	}
	if err := c.adjust(ep, s); err != nil {
		return ep, err
	}
	ep.Genotype, err = c.Limits.Derive(ep.Alphas.Scores(), s.Kept)
	return ep, err
}

// steps makes the steps of an epoch from at.Step on.
func (c Config) steps(together *ranks.Together, at *Snapshot, ep Epoch, s *Steps, l *loaders,
	r Recorder) error {
	searching, other := at.Epoch >= c.Warmup, l.alphas.Endless(at.Epoch)
	skip := func() error {
		if !searching {
			return nil
		}
		_, err := train.Batch(other)
		return err
	}
	n := c.weightSteps(at.Epoch, l.weights.Steps())
	return train.Steps(together, &at.Step, n, l.weights.Epoch(at.Epoch), skip, func(b *data.Batch) error {
		p := train.Progress{Epoch: at.Epoch, Step: at.Step + 1, Steps: n}
		if searching {
			if err := c.alphaStep(at, &p, ep.Lambda, s, other); err != nil {
				return err
			}
		}
		if err := c.weightStep(at, &p, ep.Rate, s, b); err != nil {
			return err
		}
		if searching && s.freezer != nil {
			s.freezer.see(s.alpha.WeightGradient, s.weight.WeightGradient)
		}
		r.Step(p)
		return nil
	})
}

func (c Config) alphaStep(at *Snapshot, p *train.Progress, lambda float64, s *Steps,
	pass *data.Pass) error {
	b, err := train.Batch(pass)
	if err != nil {
		return err
	}
	start := time.Now()
	o, err := s.AlphaStep(b.Images, b.Labels, lambda)
	at.Time.Alpha += time.Since(start)
	if err != nil {
		return s.watch(at.Epoch).Explain(err)
	}
	at.Sums.AlphaLoss += o.Loss
	at.Sums.AlphaAcc += float64(o.Correct) / float64(c.whole())
	p.AlphaLoss = o.Loss
	return s.watch(at.Epoch).Finite(o.Loss, "an alpha step")
}

func (c Config) weightStep(at *Snapshot, p *train.Progress, rate float64, s *Steps,
	b *data.Batch) error {
	start := time.Now()
	o, err := s.WeightStep(b.Images, b.Labels, rate)
	at.Time.Weight += time.Since(start)
	if err != nil {
		return s.watch(at.Epoch).Explain(err)
	}
	p.Loss, p.Accuracy = o.Loss, float64(o.Correct)/float64(c.whole())
	at.Sums.TrainLoss += p.Loss
	at.Sums.TrainAcc += p.Accuracy
	at.Sums.Norm += o.Norm
	return s.watch(at.Epoch).Finite(o.Loss, "a weight step")
}

// watch explains what goes wrong in an epoch.
func (s *Steps) watch(epoch int) train.Watch {
	return train.Watch{Stage: "search", Net: s.Net, Epoch: epoch}
}
