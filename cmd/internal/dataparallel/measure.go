package dataparallel

import (
	"context"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"

	"zos-ort/graphgen"
	"zos-ort/models/ranks"
	"zos-ort/ort"
	"zos-ort/ort/meter"
	"zos-ort/ort/program"
	"zos-ort/search/train"
)

// Sample is what ranks have shown, in seconds: means over the ranks, medians over the rounds. A step is a weight step and an alpha
// step.
type Sample struct {
	Ranks    int      `json:"ranks"`
	Alone    float64  `json:"alone_seconds"`    // a step of as many processes at once that do not exchange anything
	Together float64  `json:"together_seconds"` // a step of the ranks
	Exchange float64  `json:"exchange_seconds"` // the sums of a step
	Small    float64  `json:"small_seconds"`    // a sum of one number
	Sums     Exchange `json:"exchange"`
}

// rank is a process that measures: a network that learns with the others, and one that learns alone.
type rank struct {
	group           ranks.Group
	net             *program.Net
	together, alone *train.Learner
	alpha           *program.Runner
	alphas          []float64 // a vector of the size of the architecture parameters
}

// Measure times the steps of a search on the ranks of a group for about a time, with noise for images.
func Measure(ctx context.Context, s graphgen.Spec, alphas int, g ranks.Group, o ort.Options, limit time.Duration) (m Sample, err error) {
	r, err := openRank(s, alphas, g, o)
	if err != nil {
		return m, err
	}
	defer r.close()
	m = Sample{Ranks: g.Size(), Sums: exchangeOf(r.net.Shape, alphas)}
	figures := []*float64{&m.Alone, &m.Together, &m.Exchange, &m.Small}
	works := []func() error{r.stepAlone, r.step, r.exchange, r.small}
	seconds := make([][]float64, len(works))
	for start, rounds := time.Now(), 0; ; rounds++ {
		over, err := r.over(rounds > 2 && time.Since(start) > limit || ctx.Err() != nil)
		if err != nil {
			return m, err
		}
		if over {
			break
		}
		for i, work := range works {
			t, err := r.time(work)
			if err != nil {
				return m, err
			}
			if rounds > 0 { // the first touches all memory for the first time
				seconds[i] = append(seconds[i], t)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return m, err
	}
	for i, f := range figures {
		slices.Sort(seconds[i])
		*f = stat.Quantile(.5, stat.LinInterp, seconds[i], nil)
	}
	return m, nil
}

func openRank(s graphgen.Spec, alphas int, g ranks.Group, o ort.Options) (r *rank, err error) {
	if s, err = s.Learn(); err != nil {
		return nil, err
	}
	alone, err := train.EmitLearner(s, 1)
	if err != nil {
		return nil, err
	}
	together, err := train.EmitLearner(s, g.Size())
	if err != nil {
		return nil, err
	}
	alpha, err := s.AlphaStep()
	if err != nil {
		return nil, err
	}
	r = &rank{group: g, alphas: make([]float64, alphas)}
	if r.net, err = program.NewNet(alone.Shape(), program.Vectors{Weights: meter.Noise(alone.Step)}, o); err != nil {
		return nil, err
	}
	if r.alone, err = train.OpenLearner(r.net, alone, nil); err == nil {
		r.together = r.alone
		if g.Size() > 1 {
			r.together, err = train.OpenLearner(r.net, together, g)
		}
	}
	if err == nil {
		r.alpha, err = r.net.OpenAlphaStep(alpha)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	for _, x := range []*program.Runner{r.alone.Runner, r.together.Runner, r.alpha} {
		meter.Feed(x)
	}
	return r, nil
}

func (r *rank) close() {
	if r.together != nil && r.together != r.alone {
		r.together.Close()
	}
	if r.alone != nil {
		r.alone.Close()
	}
	if r.alpha != nil {
		r.alpha.Close()
	}
	r.net.Close()
}

// over says whether the first rank has had enough.
func (r *rank) over(enough bool) (bool, error) {
	b := []byte{0}
	if enough {
		b[0] = 1
	}
	err := r.group.Broadcast(b, 0)
	return b[0] == 1, err
}

// time is the mean over the ranks of the seconds that a piece of work takes that all begin at once.
func (r *rank) time(work func() error) (float64, error) {
	if err := r.small(); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := work(); err != nil {
		return 0, err
	}
	t := []float64{time.Since(start).Seconds()}
	err := ranks.Mean64(r.group, t)
	return t[0], err
}

func (r *rank) stepAlone() error {
	if err := r.alone.Run(); err != nil {
		return err
	}
	return r.alpha.Run()
}

func (r *rank) step() error {
	if err := r.together.Run(); err != nil {
		return err
	}
	if err := r.alpha.Run(); err != nil {
		return err
	}
	return r.sumAlphas()
}

// sumAlphas are the sums of an alpha step: loss and correct, and the gradient.
func (r *rank) sumAlphas() error {
	if err := r.group.Sum64(make([]float64, 2)); err != nil {
		return err
	}
	return r.group.Sum64(r.alphas)
}

// exchange are the sums of both steps.
func (r *rank) exchange() error {
	if err := r.together.Exchange(); err != nil {
		return err
	}
	return r.sumAlphas()
}

func (r *rank) small() error { return r.group.Sum64(make([]float64, 1)) }
