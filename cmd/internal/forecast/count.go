package forecast

import (
	"zos-ort/cmd/internal/settings"
	"zos-ort/prune"
	"zos-ort/search"
)

// Names of the programs of a training and a search.
const (
	weightStep     = "weight_step"
	weightGradient = "weight_gradient" // of several ranks, with weight_update in place of weight_step
	weightUpdate   = "weight_update"
	alphaStep      = "alpha_step"
	evaluation     = "eval"
	batchEval      = "rank" // logits with the statistics of the batch
)

// weightSeconds is a step that trains the weights: a program of one process, or two of a rank with sums between them.
func (s stage) weightSeconds() float64 {
	return s.seconds[weightStep] + s.seconds[weightGradient] + s.seconds[weightUpdate] + s.sums.weight
}

// searching counts the steps of a search.
func (s stage) searching() Part {
	e, p := s.experiment, Part{What: Search, AtMost: s.experiment.Search.StopOnSkips > 0}
	x := e.Search
	weights := e.Images.Train / 2
	alphas := e.Images.Train - weights
	batch := e.WholeBatch(settings.StageSearch)
	steps, judges := weights/batch, firstOf(x.PerturbImages, alphas)/batch
	after := float64(ceil(firstOf(x.ValidImages, alphas), batch)) * s.seconds[evaluation]
	for epoch := range e.SearchEpochs() {
		span := Span{Steps: steps, Step: s.weightSeconds(), After: after}
		if epoch >= x.Warmup {
			span.Step += s.seconds[alphaStep] + s.sums.alpha
		}
		if n := epoch - x.Epochs; n >= 0 { // a decision of a perturbation, and a little training
			span.Steps, span.Trials = min(steps, x.PerturbSteps), search.Trials(s.mask, e.Seed, n)
			span.Before = float64(span.Trials*judges) * s.seconds[batchEval]
		}
		p.Spans = append(p.Spans, span)
	}
	p.Spans[0].Before += s.opening
	return p
}

// selecting counts the steps of the trainings that choose a genotype.
func (s stage) selecting() Part {
	x := s.experiment.Search
	weights := s.experiment.Images.Train / 2
	one := s.training(weights, s.experiment.Images.Train-weights)
	p := Part{What: Selection, AtMost: x.Select > 0} // genotypes that occur twice are trained once
	for range x.Candidates() {
		p.Spans = append(p.Spans, one.Spans...)
	}
	return p
}

// training counts the steps of a training on so many images.
func (s stage) training(images, test int) Part {
	p, batch := Part{What: Training}, s.experiment.WholeBatch(settings.StageTraining)
	for range s.experiment.Retraining.Epochs {
		p.Spans = append(p.Spans, Span{Steps: images / batch, Step: s.weightSeconds(),
			After: float64(ceil(test, batch)) * s.seconds[evaluation]})
	}
	p.Spans[0].Before += s.opening
	return p
}

// rankTraining counts the steps that train the ranking networks, one after the other. Every rank trains them.
func (s stage) rankTraining() Part {
	e := s.experiment
	p := Part{What: RankTraining, AtMost: e.Ranking.Settle > 0}
	for range e.Ranking.Repeats {
		for epoch := range e.Ranking.Epochs {
			span := Span{Steps: e.Images.Train / 2 / e.Search.Batch, Step: s.weightSeconds()}
			if epoch == 0 {
				span.Before = s.opening
			}
			p.Spans = append(p.Spans, span)
		}
	}
	return p
}

// pruning counts the networks of a pruning, of which every rank has its part. A network of a later round has fewer
// operations, and takes less time.
func (s stage) pruning() (Part, error) {
	e := s.experiment
	p := Part{What: Pruning, AtMost: e.Ranking.Settle > 0}
	c := e.Pruning()
	parts := c.Shard.Of
	c.Shard = prune.Shard{}
	plan, err := prune.Plan(c, e.Space.Of().FullMask())
	if err != nil {
		return p, err
	}
	rounds := e.Rounds(plan)
	if len(rounds) == 0 {
		return p, nil
	}
	one, first, last := s.network(), rounds[0].Ranked, rounds[len(rounds)-1].Left
	for _, r := range rounds {
		less := (1 - s.smaller) * float64(first-r.Ranked) / float64(max(1, first-last))
		p.Spans = append(p.Spans, Span{Steps: ceil(r.Networks, e.RankCount()), Before: float64(e.RankingSessions()) * s.opening, Step: one * (1 - less)})
	}
	if parts > 1 { // a shard ends with its part of the first round
		p.Spans = p.Spans[:1]
		p.Spans[0].Steps = ceil(p.Spans[0].Steps, parts)
	}
	return p, nil
}

// network is the time of a network of the first round, with all batches.
func (s stage) network() (seconds float64) {
	for i, p := range s.programs {
		runs := 1
		if s.looks[i].All {
			runs = s.experiment.Ranking.Batches
		}
		seconds += float64(runs) * s.seconds[p.Name]
	}
	return seconds
}

// firstOf is n of so many images, or all of them if n is 0.
func firstOf(n, all int) int {
	if n == 0 {
		return all
	}
	return min(n, all)
}

func ceil(a, b int) int { return (a + b - 1) / b }
