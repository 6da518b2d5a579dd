package search

import (
	"fmt"
	"slices"

	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort/program"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// Perturb are the settings of a selection by perturbation (DARTS-PT, Wang et al., ICLR 2021): the operation
// of an edge is the one without which the trained supernet loses most accuracy, not the one with the largest
// alpha. After the search every edge is decided in a random order, then which two inputs every node keeps;
// normal and reduction cells take turns. After every decision the supernet is trained a little, at a tenth of the
// learning rate. The momentum is kept, where the authors' code begins anew.
type Perturb struct {
	Images int // of the validation half that judge; 0 is all
	Steps  int // weight steps after every decision, each after an alpha step; at most those of an epoch
}

func (p *Perturb) validate() error {
	if p != nil && (p.Images < 0 || p.Steps < 0) {
		return fmt.Errorf("search: images and steps of a selection by perturbation must not be negative, got %d and %d",
			p.Images, p.Steps)
	}
	return nil
}

// tuneRate is the part of the search's learning rate with which the supernet is trained between decisions.
const tuneRate = .1

// epochs of the search, with one for every decision.
func (c Config) epochs() int {
	if c.Perturb == nil {
		return c.Epochs
	}
	return c.Epochs + c.Net.Mask.Space().Decisions()
}

// rate is the learning rate of the weights in an epoch.
func (c Config) rate(epoch int) float64 {
	if epoch < c.Epochs {
		return train.Cosine(c.Rate, epoch, c.Epochs)
	}
	return train.Cosine(c.Rate*tuneRate, epoch-c.Epochs, c.Net.Mask.Space().Decisions())
}

// weightSteps of an epoch.
func (c Config) weightSteps(epoch, all int) int {
	if epoch < c.Epochs {
		return all
	}
	return min(all, c.Perturb.Steps)
}

// judge looks for decisions by evaluations of the supernet with the statistics of its batches.
type judge struct {
	*Steps
	ranks  *ranks.Together
	images *data.Loader
	trial  func(loss, acc float64) // is told of every evaluation
}

// judge is told of its trials as a training is of its steps.
func (c Config) judge(together *ranks.Together, epoch int, s *Steps, l *loaders, r Recorder) judge {
	n := 0
	return judge{Steps: s, ranks: together, images: l.judge, trial: func(loss, acc float64) {
		n++
		r.Step(train.Progress{Epoch: epoch, Step: n, Decides: true, Loss: loss, Accuracy: acc})
	}}
}

// decide makes the decision of an epoch after the search; those that were made before an interruption stay.
func (c Config) decide(epoch int, j judge) error {
	n := epoch - c.Epochs
	if n < 0 {
		return nil
	}
	for _, t := range j.cellTypes() {
		var err error
		if edge, node := turn(c.Net.Mask.Space(), c.Seed, t, n); edge >= 0 {
			err = j.operation(t, edge)
		} else {
			err = j.inputs(t, node)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// operation keeps the operation of an edge without which the accuracy is lowest; of equals, the one with the
// higher loss.
func (j judge) operation(t space.CellType, e int) error {
	ops := slices.DeleteFunc(j.Alphas.Mask().Space().Members(j.Kept.At(t, e).Without(space.None)),
		func(p space.Primitive) bool { return !j.admits(t, e, space.SetOf(p)) })
	if len(ops) == 0 { // an edge with only none, or to which the limits leave nothing else
		if none := j.Kept.Genes(t, e); none.Has(space.None) {
			j.Kept.Put(t, e, space.SetOf(space.None))
		}
		return nil
	}
	best, lowest := ops[0], verdict{}
	for i, p := range ops {
		if len(ops) == 1 {
			break
		}
		v, err := j.without(t, e, space.SetOf(p))
		if err != nil {
			return err
		}
		if i == 0 || v.worse(lowest) {
			best, lowest = p, v
		}
	}
	j.Kept.Put(t, e, space.SetOf(best))
	return nil
}

// inputs keeps as many inputs of a node as a derived cell has: one after the other, the one goes without which the accuracy stays highest.
func (j judge) inputs(t space.CellType, node int) error {
	lo, hi := j.Kept.Space().NodeEdges(node)
	for {
		var edges []int
		all := 0
		for e := lo; e < hi; e++ {
			if !j.Kept.At(t, e).Usable() {
				continue
			}
			if all++; j.admits(t, e, 0) {
				edges = append(edges, e)
			}
		}
		if all <= j.Kept.Space().Takes(node) {
			return nil
		}
		least, highest := edges[0], verdict{}
		for i, e := range edges {
			v, err := j.without(t, e, j.Kept.At(t, e))
			if err != nil {
				return err
			}
			if i == 0 || highest.worse(v) {
				least, highest = e, v
			}
		}
		j.Kept.Put(t, least, 0)
	}
}

// admits reports whether the limits can be met with these operations on an edge.
func (j judge) admits(t space.CellType, e int, ops space.Set) bool {
	kept := j.Kept
	kept.Put(t, e, ops)
	return j.Limits.Admits(kept)
}

// verdict is the result of an evaluation.
type verdict struct{ loss, acc float64 }

func (v verdict) worse(than verdict) bool {
	return v.acc < than.acc || v.acc == than.acc && v.loss > than.loss
}

// without evaluates the supernet without operations of an edge. The weights of the others stay as they are.
func (j judge) without(t space.CellType, e int, ops space.Set) (v verdict, err error) {
	if err := j.ranks.Err(); err != nil {
		return v, err
	}
	for _, t := range j.cellTypes() {
		j.feedMix(j.batch, t)
	}
	j.mute(j.batch, t, e, ops)
	if v.loss, v.acc, err = train.Accuracy(j.batch, j.images.Epoch(0), j.ranks); err != nil {
		return v, err
	}
	j.trial(v.loss, v.acc)
	return v, nil
}

// mute sets the mixing weights of operations of an edge to 0, and the weight of an edge that has no others.
func (s *Steps) mute(r *program.Runner, t space.CellType, e int, ops space.Set) {
	list := s.candidates[t]
	mix := r.Mix(supernet.OperationMix(t)).Weights
	for j, i := range s.live[t] {
		if list[i].Edge == e && ops.Has(list[i].Op) {
			mix[j] = 0
		}
	}
	if edges := r.Mix(supernet.EdgeMix(t)).Weights; edges != nil && s.Kept.At(t, e)&^ops == 0 {
		edges[e] = 0
	}
}

// project replaces the mixing weights of decided edges, in flat order: 1 for the operation that was kept, 0 for
// all of an edge that went.
func (s *Steps) project(w []float64, t space.CellType) {
	for i, c := range s.candidates[t] {
		if s.decided(t, c.Edge) {
			w[i] = 0
			if s.Kept.At(t, c.Edge).Has(c.Op) {
				w[i] = 1
			}
		}
	}
}

// decided reports whether a selection by perturbation has decided an edge.
func (s *Steps) decided(t space.CellType, e int) bool {
	return s.Kept.At(t, e) != s.Alphas.Mask().At(t, e)
}
