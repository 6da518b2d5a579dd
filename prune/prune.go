// Package prune is the zero-shot half of the method: Algorithm 1 of "Half Search Space is All You
// Need", which removes the least important operations of a search space by the norm of an NNGP
// kernel, without training.
package prune

import (
	"context"
	"fmt"
	"math"

	"zos-ort/models/budget"
	"zos-ort/models/ranks"
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
	// Pool says what a ranked network lacks: one operation of one edge, as in the paper, or of many edges
	// at once.
	Pool Pool
	// Weights are those of the rankers, in the order of a session's norms; none is one ranker of weight 1.
	Weights []float64
	// ByRank combines rankers by the places that they give the operations of a set, not by their relative
	// changes.
	ByRank bool
	// Settle, if above 0, ends the repeats of a round as soon as every operation that would go scores
	// below the next one by so many standard errors; Repeats is the bound then.
	Settle float64
	// LastOfTies drops, of equal scores, the operation that comes last in the list of primitives; the
	// rule is the first.
	LastOfTies bool
	// Shard, if it is not everything, ranks its part of the first round that is not known as a whole, and ends
	// with a PartError.
	Shard Shard
	// Limits leave a mask only where it holds a genotype that meets them.
	Limits budget.Limits
	// AllowTies goes on with a round whose scores tell nothing apart. It fails otherwise.
	AllowTies bool
	// Ranks rank together, each a part of the networks; nil is a process alone. They have no Shard.
	Ranks ranks.Group
	// AllowNoise goes on where the scores differ, but no more than by chance.
	AllowNoise bool
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
	if !(c.Settle >= 0) {
		return fmt.Errorf("settle is a number of standard errors and must not be negative, got %v", c.Settle)
	}
	for _, w := range c.Weights {
		if !(w > 0) || math.IsInf(w, 0) {
			return fmt.Errorf("the weight of a ranker must be positive, got %v", w)
		}
	}
	if _, err := ParsePool(string(c.Pool)); err != nil {
		return err
	}
	_, err := ParseMeasure(string(c.Measure))
	return err
}

// Ranker builds ranking networks.
type Ranker interface {
	Open(ctx context.Context, mask space.Mask) (Session, error)
}

// Session is the ranking network of one round.
type Session interface {
	// Norms fills in what every ranker says of every network, ranker by ranker, with the weights and
	// images of the given repeat, where it is not known yet. A network is the ranking network with the
	// operations of a smaller mask. Step is called after every network. When ctx is cancelled Norms returns its error,
	// and norms holds what was known or computed by then.
	Norms(ctx context.Context, repeat int, networks []space.Mask, norms Norms, step func()) error
	Close()
}

// Scores holds one number per operation; operations outside the mask are NaN.
type Scores space.Scores

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
func (s *Scores) Of(c space.Candidate) *float64 { return &s[c.Cell][c.Edge][c.Op.Index()] }

// Round is one pass of Algorithm 1.
type Round struct {
	Norm    float64 // r(N) of the first ranker, mean over the repeats
	Scores  *Scores // sum over rankers of (r(N) - r(N without e)) / r(N), mean over the repeats
	Removed []space.Candidate
	// Certainty says, for every removed operation, by how many standard errors it scores below the
	// lowest one that stays on its edge, paired over the repeats; NaN with a single repeat.
	Certainty []float64
	Repeats   int        // that were needed
	Mask      space.Mask // what is left
}

// Result is a mask and how it came about.
type Result struct {
	Mask   space.Mask
	Rounds []Round
}

// Observer is told of progress. A nil function is not called.
type Observer struct {
	// Start is told that a round begins, with the number of networks that this rank evaluates.
	Start func(round, networks int, mask space.Mask)
	Step  func() // one network has been evaluated
	Done  func(round int, r Round)
	// Save is called after every repeat, and when a repeat is interrupted; its error ends the pruning.
	Save func(Progress) error
}

// Run removes operations from start until at most the fraction xi of it is left. The fraction is
// measured against start; "none" is removed first, unless it is to be kept or the limits need it. It resumes from what an
// earlier run with the same arguments handed to Observer.Save; a zero Progress starts anew.
func Run(ctx context.Context, c Config, start space.Mask, r Ranker, from Progress,
	o Observer) (Result, error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	together := ranks.NewTogether(ctx, c.Ranks)
	defer together.End()
	mask := start
	if without := start.Drop(space.None); !c.KeepNone && c.Limits.Admits(without) {
		mask = without
	}
	res := Result{Mask: mask}
	for !c.finished(mask, start) {
		round, err := c.atMost(mask, start).round(together, len(res.Rounds), mask, r, &from, o)
		if err != nil {
			return res, fmt.Errorf("pruning round %d: %w", len(res.Rounds)+1, err)
		}
		if len(round.Removed) == 0 && len(c.Limits) > 0 {
			return res, fmt.Errorf("pruning: nothing more can go if a network is to have %v, and %.3f of the space is left: "+
				"xi %v cannot be reached", c.Limits, Fraction(c.Measure, mask, start), c.Xi)
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

// rankers is the number of rankers.
func (c Config) rankers() int { return max(1, len(c.Weights)) }

func (c Config) finished(mask, start space.Mask) bool {
	if c.ToOne {
		return mask.Count() == len(start.Space().CellTypes())*start.Space().Edges()
	}
	return Fraction(c.Measure, mask, start) <= c.Xi
}

// atMost lets a round remove no more operations of a set than it takes to be finished.
func (c Config) atMost(mask, start space.Mask) Config {
	all := c.PerRound
	for c.PerRound = 1; c.PerRound < all; c.PerRound++ {
		if left, _ := c.drop(mask, new(Scores)); c.finished(left, start) {
			break
		}
	}
	return c
}

// round scores every operation and removes the worst of every set.
func (c Config) round(ctx *ranks.Together, i int, mask space.Mask, r Ranker, p *Progress,
	o Observer) (Round, error) {
	groups := c.Pool.groups(mask)
	norms, err := c.rank(ctx, i, mask, groups, r, p, o)
	if err != nil {
		return Round{}, err
	}
	if err := c.distinguish(norms, groups); err != nil {
		return Round{}, err
	}
	round := Round{Repeats: len(norms)}
	for _, repeat := range norms {
		round.Norm += repeat[len(groups)] / float64(len(norms))
	}
	scores, err := c.scoresOf(norms, groups)
	if err != nil {
		return Round{}, err
	}
	round.Scores = meanScores(scores)
	round.Mask, round.Removed = c.drop(mask, round.Scores)
	round.Certainty = c.certainty(scores, round.Scores, round.Mask, round.Removed)
	return round, nil
}

// rank returns the norms of a round, repeat by repeat, and computes those that are not known yet. The
// ranking network is built only if there are any.
func (c Config) rank(ctx *ranks.Together, i int, mask space.Mask, groups []group, r Ranker, p *Progress,
	o Observer) ([]Norms, error) {
	networks := withoutEach(mask, groups)
	all := len(networks) * c.rankers()
	if err := p.check(i, c.Repeats, all); err != nil {
		return nil, err
	}
	var session Session
	defer func() {
		if session != nil {
			session.Close()
		}
	}()
	missing := 0
	for repeat := range c.Repeats {
		norms := p.norms(i, repeat, all)
		if norms.Missing() > 0 {
			if session == nil {
				if o.Start != nil {
					o.Start(i+1, (p.missing(i, c.Repeats, all)/c.rankers()+ctx.Size()-1)/ctx.Size(), mask)
				}
				var err error
				if session, err = r.Open(ctx, mask); err != nil {
					return nil, err
				}
				session = c.share(session, ctx)
			}
			if err := c.repeat(ctx, session, repeat, networks, norms, p, o); err != nil {
				return nil, err
			}
		}
		if missing += norms.Missing(); missing > 0 { // other shards have them
			continue
		}
		if done, err := c.settled(mask, groups, p.Rounds[i][:repeat+1]); done || err != nil {
			return p.Rounds[i][:repeat+1], err
		}
	}
	if missing > 0 {
		return nil, &PartError{Round: i + 1, Networks: (c.Repeats*all - missing) / c.rankers(), All: c.Repeats * len(networks)}
	}
	return p.Rounds[i], nil
}

// repeat evaluates the networks of a repeat and saves the progress.
func (c Config) repeat(ctx context.Context, s Session, repeat int, networks []space.Mask, norms Norms, p *Progress,
	o Observer) error {
	step := o.Step
	if step == nil {
		step = func() {}
	}
	failed := s.Norms(ctx, repeat, networks, norms, step)
	if o.Save != nil {
		if err := o.Save(*p); err != nil {
			return err
		}
	}
	if failed != nil {
		return failed
	}
	if n := norms.Missing(); n > 0 && c.Shard.Of < 2 {
		return fmt.Errorf("the norms of %d networks are not numbers", (n+c.rankers()-1)/c.rankers())
	}
	return nil
}
