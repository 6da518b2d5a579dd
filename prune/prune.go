// Package prune is the zero-shot half of the method: Algorithm 1 of "Half Search Space is All You
// Need", which removes the least important operations of a search space by the norm of an NNGP
// kernel, without training.
package prune

import (
	"context"
	"fmt"
	"math"

	"zos-ort/models/space"
)

// Measure says what the fraction xi of the search space counts.
type Measure string

// What xi measures: the paper's text and its results differ (cmd/zos-ort/doc/search.md).
const (
	Operations    Measure = "operations"    // sum |E_i| / sum |E_i(N_0)|
	Architectures Measure = "architectures" // prod |E_i| / prod |E_i(N_0)|, the paper's text
)

// ParseMeasure reads the name of a measure.
func ParseMeasure(s string) (Measure, error) {
	switch m := Measure(s); m {
	case Operations, Architectures:
		return m, nil
	}
	return "", fmt.Errorf("unknown xi measure %q: use operations or architectures", s)
}

// Config are the settings of Algorithm 1.
type Config struct {
	Xi       float64 // stop when at most this fraction of the space is left
	Measure  Measure
	KeepNone bool // do not remove "none" before scoring
	PerRound int  // operations dropped from every set and round; 1 in the paper
	Repeats  int  // independent initialisations over which scores are averaged
	// ToOne ignores Xi and continues until one operation is left on every edge (ETENAS).
	ToOne bool
	// LastOfTies drops, of equal scores, the operation that comes last in the list of primitives; the
	// rule is the first.
	LastOfTies bool
}

// Validate checks the settings.
func (c Config) Validate() error {
	if !c.ToOne && !(c.Xi > 0 && c.Xi < 1) {
		return fmt.Errorf("xi is the fraction of the search space to keep and must lie between 0 and 1, "+
			"got %v", c.Xi)
	}
	if c.PerRound < 1 || c.Repeats < 1 {
		return fmt.Errorf("prune per round and repeats must be at least 1, got %d and %d",
			c.PerRound, c.Repeats)
	}
	_, err := ParseMeasure(string(c.Measure))
	return err
}

// Ranker builds ranking networks.
type Ranker interface {
	Open(mask space.Mask) (Session, error)
}

// Session is the ranking network of one round.
type Session interface {
	// Norms fills in r(N without c) for every candidate and r(N), with the weights and images of the
	// given repeat, where they are not known yet; step is called after every network. When ctx is
	// cancelled it returns its error, and what was known or computed by then is in norms.
	Norms(ctx context.Context, repeat int, c []space.Candidate, norms Norms, step func()) error
	Close()
}

// Scores holds one number per operation; operations outside the mask are NaN.
type Scores [2][space.Edges][space.NumPrimitives]float64

// NewScores returns scores that are all NaN.
func NewScores() *Scores {
	s := new(Scores)
	for t := range s {
		for e := range s[t] {
			for p := range s[t][e] {
				s[t][e][p] = math.NaN()
			}
		}
	}
	return s
}

// Of is the score of one operation.
func (s *Scores) Of(c space.Candidate) *float64 { return &s[c.Cell][c.Edge][c.Op] }

// Round is one pass of Algorithm 1.
type Round struct {
	Norm    float64 // r(N), mean over the repeats
	Scores  *Scores // sum over rankers of (r(N) - r(N without e)) / r(N), mean over the repeats
	Removed []space.Candidate
	Mask    space.Mask // what is left
}

// Result is a mask and how it came about.
type Result struct {
	Mask   space.Mask
	Rounds []Round
}

// Observer is told of progress. A nil function is not called.
type Observer struct {
	Start func(round, networks int, mask space.Mask) // a round begins, with the number of networks to evaluate
	Step  func()                                     // one network has been evaluated
	Done  func(round int, r Round)
	// Save is called after every repeat, and when a repeat is interrupted; its error ends the pruning.
	Save func(Progress) error
}

// Run removes operations from start until at most the fraction xi of it is left. The fraction is
// measured against start; "none" is removed first, unless it is to be kept. It resumes from what an
// earlier run with the same arguments handed to Observer.Save; a zero Progress starts anew.
func Run(ctx context.Context, c Config, start space.Mask, r Ranker, from Progress,
	o Observer) (Result, error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	mask := start
	if !c.KeepNone {
		mask = start.Drop(space.None)
	}
	res := Result{Mask: mask}
	for !c.finished(mask, start) {
		round, err := c.round(ctx, len(res.Rounds), mask, r, &from, o)
		if err != nil {
			return res, fmt.Errorf("pruning round %d: %w", len(res.Rounds)+1, err)
		}
		if len(round.Removed) == 0 {
			return res, fmt.Errorf("pruning: every edge is down to one operation and still %.3f of the "+
				"space is left: xi %v cannot be reached", Fraction(c.Measure, mask, start), c.Xi)
		}
		mask = round.Mask
		res.Rounds, res.Mask = append(res.Rounds, round), mask
		if o.Done != nil {
			o.Done(len(res.Rounds), round)
		}
	}
	return res, nil
}

// Fraction is the part of the space from that mask leaves.
func Fraction(m Measure, mask, from space.Mask) float64 {
	if m == Architectures {
		return mask.RemainingArchitectures(from)
	}
	return mask.RemainingOperations(from)
}

func (c Config) finished(mask, start space.Mask) bool {
	if c.ToOne {
		return mask.Count() == 2*space.Edges
	}
	return Fraction(c.Measure, mask, start) <= c.Xi
}

// round scores every operation and removes the worst of every set.
func (c Config) round(ctx context.Context, i int, mask space.Mask, r Ranker, p *Progress,
	o Observer) (Round, error) {
	candidates := append(mask.Candidates(space.Normal), mask.Candidates(space.Reduce)...)
	norms, err := p.round(i, c.Repeats, candidates)
	if err != nil {
		return Round{}, err
	}
	if err := c.rank(ctx, i, mask, r, p, o, candidates); err != nil {
		return Round{}, err
	}
	round := Round{Scores: NewScores()}
	for _, cand := range candidates {
		*round.Scores.Of(cand) = 0
	}
	n := float64(c.Repeats)
	for _, repeat := range norms {
		full := repeat.Full()
		if full == 0 {
			return Round{}, fmt.Errorf("the kernel norm of the full network is zero")
		}
		round.Norm += full / n
		for j, cand := range candidates {
			*round.Scores.Of(cand) += (full - repeat[j]) / full / n
		}
	}
	round.Mask, round.Removed = c.drop(mask, round.Scores)
	return round, nil
}

// rank computes the norms of a round that are not known yet. The ranking network is built only if
// there are any.
func (c Config) rank(ctx context.Context, i int, mask space.Mask, r Ranker, p *Progress, o Observer,
	candidates []space.Candidate) error {
	missing := 0
	for _, norms := range p.Rounds[i] {
		missing += norms.Missing()
	}
	if missing == 0 {
		return nil
	}
	if o.Start != nil {
		o.Start(i+1, missing, mask)
	}
	session, err := r.Open(mask)
	if err != nil {
		return err
	}
	defer session.Close()
	step := o.Step
	if step == nil {
		step = func() {}
	}
	for repeat, norms := range p.Rounds[i] {
		if norms.Missing() == 0 {
			continue
		}
		failed := session.Norms(ctx, repeat, candidates, norms, step)
		if o.Save != nil {
			if err := o.Save(*p); err != nil {
				return err
			}
		}
		if failed != nil {
			return failed
		}
		if n := norms.Missing(); n > 0 {
			return fmt.Errorf("the kernel norms of %d networks are not numbers", n)
		}
	}
	return nil
}
