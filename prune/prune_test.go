package prune_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// Every round removes the least important operation of every set. What an operation is worth
// rises in another order on every edge, so that the order of removal is known.
func TestOrderOfRemoval(t *testing.T) {
	rank := func(c space.Candidate) int { // 0 goes first; none has no rank
		return (c.Op.Index() - 1 + c.Edge + 3*int(c.Cell)) % 7
	}
	f := &fake{norm: worth(func(c space.Candidate) float64 { return float64(rank(c)) })}
	r := prunes(t, config(), space.DARTS.FullMask(), f)
	if len(r.Rounds) != 3 { // 7/8 after none, then 6/8, 5/8, 4/8
		t.Fatalf("%d rounds, want 3", len(r.Rounds))
	}
	for i, round := range r.Rounds {
		if len(round.Removed) != 2*space.DARTS.Edges() {
			t.Errorf("round %d removes %d operations, want 28", i+1, len(round.Removed))
		}
		for _, c := range round.Removed {
			if rank(c) != i {
				t.Errorf("round %d removes %v, which has rank %d", i+1, c, rank(c))
			}
			if want := float64(i) / round.Norm; math.Abs(*round.Scores.Of(c)-want) > 1e-12 {
				t.Errorf("round %d: score of %v is %v, want %v", i+1, c, *round.Scores.Of(c), want)
			}
		}
		if round.Mask.Count() != 28*(6-i) {
			t.Errorf("round %d leaves %d operations", i+1, round.Mask.Count())
		}
		if i > 0 && f.opened[i] != r.Rounds[i-1].Mask {
			t.Errorf("round %d ranks another mask than round %d left", i+1, i)
		}
	}
	if r.Mask != r.Rounds[2].Mask || r.Mask.RemainingOperations(space.DARTS.FullMask()) != .5 {
		t.Errorf("left: %d operations", r.Mask.Count())
	}
	if !math.IsNaN(*r.Rounds[0].Scores.Of(space.Candidate{Op: space.None})) {
		t.Error("none has a score, but was not a candidate")
	}
}

func TestTiesDropTheFirstPrimitive(t *testing.T) {
	r := prunes(t, config(), space.DARTS.FullMask(), &fake{norm: constant})
	want := everywhere(space.SepConv3x3, space.SepConv5x5, space.DilConv3x3, space.DilConv5x5)
	if r.Mask != want {
		t.Errorf("left %v, want the four last primitives", r.Mask)
	}
}

func TestKeepNone(t *testing.T) {
	c := config()
	c.KeepNone = true
	// Here none is worth most, so that it stays to the end.
	f := &fake{norm: worth(func(c space.Candidate) float64 { return float64((c.Op.Index() + 7) % 8) })}
	r := prunes(t, c, space.DARTS.FullMask(), f)
	want := everywhere(space.None, space.SepConv5x5, space.DilConv3x3, space.DilConv5x5)
	if r.Mask != want || len(r.Rounds) != 4 {
		t.Errorf("%d rounds left %v", len(r.Rounds), r.Mask)
	}
	if f.opened[0] != space.DARTS.FullMask() {
		t.Error("none is missing from the first ranking")
	}
}

func TestPerRound(t *testing.T) {
	c := config()
	c.PerRound = 3
	r := prunes(t, c, space.DARTS.FullMask(), &fake{norm: constant})
	if len(r.Rounds) != 1 || len(r.Rounds[0].Removed) != 84 || r.Mask.Count() != 112 {
		t.Errorf("%d rounds leave %d operations", len(r.Rounds), r.Mask.Count())
	}
	c.Xi = .3 // a second round has to remove two of the four that are left on every edge
	r = prunes(t, c, space.DARTS.FullMask(), &fake{norm: constant})
	if len(r.Rounds) != 2 || len(r.Rounds[1].Removed) != 56 || r.Mask.Count() != 56 {
		t.Errorf("xi .3: %d rounds leave %d operations", len(r.Rounds), r.Mask.Count())
	}
}

// A set never loses its last operation, also when more are to go than there are.
func TestTheLastOperationStays(t *testing.T) {
	start := everywhere(space.SkipConnect, space.SepConv3x3, space.DilConv5x5)
	start.Put(space.Normal, 5, space.SetOf(space.AvgPool3x3))
	c := config()
	c.PerRound, c.Xi = 5, .4
	r := prunes(t, c, start, &fake{norm: constant})
	if got := r.Mask.At(space.Normal, 5); got != space.SetOf(space.AvgPool3x3) {
		t.Errorf("the single operation became %v", got)
	}
	if r.Mask.Count() != 28 || len(r.Rounds[0].Removed) != 54 {
		t.Errorf("left %d, removed %d", r.Mask.Count(), len(r.Rounds[0].Removed))
	}
	// An unreachable fraction is an error, not an endless loop.
	c.Xi = .1
	_, err := prune.Run(context.Background(), c, start, &fake{norm: constant}, prune.Progress{}, prune.Observer{})
	check.Error(t, err, "down to one operation", "0.341", "xi 0.1 cannot be reached")
	// A space of nothing but none keeps it.
	r, err = prune.Run(context.Background(), prune.Config{ToOne: true, Measure: prune.Operations,
		PerRound: 1, Repeats: 1}, everywhere(space.None), &fake{norm: constant}, prune.Progress{}, prune.Observer{})
	if err != nil || r.Mask != everywhere(space.None) || len(r.Rounds) != 0 {
		t.Errorf("%v, %d rounds, %v", r.Mask, len(r.Rounds), err)
	}
}

// The paper's text counts architectures: (7/8)^28 is far below one half, so one round is enough.
// Without none it needs no round at all: removing none is one already.
func TestMeasureArchitectures(t *testing.T) {
	c := config()
	c.Measure, c.KeepNone = prune.Architectures, true
	r := prunes(t, c, space.DARTS.FullMask(), &fake{norm: constant})
	if len(r.Rounds) != 1 || r.Mask.Count() != 7*28 {
		t.Errorf("%d rounds leave %d operations, want 1 and 196", len(r.Rounds), r.Mask.Count())
	}
	if got := prune.Fraction(c.Measure, r.Mask, space.DARTS.FullMask()); math.Abs(got-.0238) > 1e-4 {
		t.Errorf("fraction %v, want .0238", got)
	}
	if got := prune.Fraction(prune.Operations, r.Mask, space.DARTS.FullMask()); got != .875 {
		t.Errorf("fraction of operations %v, want .875", got)
	}
	c.KeepNone = false
	r = prunes(t, c, space.DARTS.FullMask(), &fake{norm: constant})
	if len(r.Rounds) != 0 || r.Mask != space.DARTS.FullMask().Drop(space.None) {
		t.Errorf("without none: %d rounds leave %d operations", len(r.Rounds), r.Mask.Count())
	}
}

func TestToOne(t *testing.T) {
	c := config()
	c.ToOne, c.Xi = true, 0
	r := prunes(t, c, space.DARTS.FullMask(), &fake{norm: constant})
	if r.Mask != everywhere(space.DilConv5x5) || len(r.Rounds) != 6 {
		t.Errorf("%d rounds leave %v", len(r.Rounds), r.Mask)
	}
}

// Scores and norms are means over the repeats.
func TestRepeats(t *testing.T) {
	full := space.DARTS.FullMask().Drop(space.None)
	f := &fake{norm: func(repeat int, m space.Mask) float64 {
		if m == full {
			return []float64{2, 4, 8}[repeat]
		}
		return 1
	}}
	c := config()
	c.Xi, c.Repeats = .8, 3
	r := prunes(t, c, space.DARTS.FullMask(), f)
	if got := r.Rounds[0].Norm; math.Abs(got-14./3) > 1e-12 {
		t.Errorf("norm %v, want 14/3", got)
	}
	want := (1./2 + 3./4 + 7./8) / 3
	got := *r.Rounds[0].Scores.Of(space.Candidate{Op: space.SepConv3x3})
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("score %v, want %v", got, want)
	}
}

func TestObserverCounts(t *testing.T) {
	steps, rounds, announced := 0, 0, 0
	c := config()
	c.Repeats = 2
	o := prune.Observer{
		Start: func(round, networks int, m space.Mask) {
			if round != rounds+1 || networks != 2*(m.Count()+1) {
				t.Errorf("round %d has %d networks for %d operations", round, networks, m.Count())
			}
			announced += networks
		},
		Step: func() { steps++ },
		Done: func(round int, r prune.Round) {
			if rounds++; round != rounds || len(r.Removed) != 28 {
				t.Errorf("round %d of %d removed %d", round, rounds, len(r.Removed))
			}
		},
	}
	_, err := prune.Run(context.Background(), c, space.DARTS.FullMask(), &fake{norm: constant}, prune.Progress{}, o)
	if err != nil || rounds != 3 || steps != announced || steps != 2*(7+6+5)*28+6 {
		t.Errorf("%d rounds, %d steps of %d, %v", rounds, steps, announced, err)
	}
}

func TestCancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	f := &fake{norm: constant, each: func() {
		if n++; n == 250 { // in the second round
			cancel()
		}
	}}
	r, err := prune.Run(ctx, config(), space.DARTS.FullMask(), f, prune.Progress{}, prune.Observer{})
	if !errors.Is(err, context.Canceled) || n != 250 {
		t.Errorf("after %d networks: %v", n, err)
	}
	check.Error(t, err, "pruning round 2")
	if len(r.Rounds) != 1 || r.Mask != r.Rounds[0].Mask || f.closed != 2 {
		t.Errorf("%d rounds, %d sessions closed", len(r.Rounds), f.closed)
	}
}

func TestRankerErrors(t *testing.T) {
	broken := errors.New("broken")
	f := &fake{norm: constant, fail: broken}
	_, err := prune.Run(context.Background(), config(), space.DARTS.FullMask(), f, prune.Progress{}, prune.Observer{})
	if !errors.Is(err, broken) || f.closed != 1 {
		t.Errorf("%v, %d sessions closed", err, f.closed)
	}
	f = &fake{norm: func(int, space.Mask) float64 { return 0 }}
	_, err = prune.Run(context.Background(), config(), space.DARTS.FullMask(), f, prune.Progress{}, prune.Observer{})
	check.Error(t, err, "pruning round 1", "norm of the full network is zero")
}

func TestConfigErrors(t *testing.T) {
	for _, xi := range []float64{0, 1, -.5, 1.5, math.NaN(), math.Inf(1)} {
		c := config()
		c.Xi = xi
		_, err := prune.Run(context.Background(), c, space.DARTS.FullMask(), &fake{norm: constant}, prune.Progress{},
			prune.Observer{})
		check.Error(t, err, "xi is the fraction", "between 0 and 1, got ")
	}
	c := config()
	c.PerRound = 0
	check.Error(t, c.Validate(), "at least 1, got 0 and 1")
	c = config()
	c.Repeats = -1
	check.Error(t, c.Validate(), "at least 1, got 1 and -1")
	c = config()
	c.Measure = "bytes"
	check.Error(t, c.Validate(), `unknown xi measure "bytes": use operations or architectures`)
}

func TestParse(t *testing.T) {
	for _, m := range []prune.Measure{prune.Operations, prune.Architectures} {
		if got, err := prune.ParseMeasure(string(m)); got != m || err != nil {
			t.Errorf("%s: %v, %v", m, got, err)
		}
	}
	for _, k := range []prune.Kernel{prune.Correlation, prune.Gram} {
		if got, err := prune.ParseKernel(string(k)); got != k || err != nil {
			t.Errorf("%s: %v, %v", k, got, err)
		}
	}
	_, err := prune.ParseKernel("ntk")
	check.Error(t, err, `unknown kernel "ntk": use correlation or gram`)
}
