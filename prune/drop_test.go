package prune_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"zos-ort/graphgen/check"
	"zos-ort/models/budget"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// Where none scores best it would drive out everything else; two edges of every node are spared.
func TestNoneLeavesTwoEdges(t *testing.T) {
	best := worth(func(c space.Candidate) float64 {
		if c.Op == space.None {
			return 100
		}
		return float64(c.Op.Index())
	})
	c := prune.Config{ToOne: true, KeepNone: true, Measure: prune.Operations, PerRound: 1, Repeats: 1}
	for _, c.PerRound = range []int{1, 3, 9} {
		r := prunes(t, c, space.DARTS.FullMask(), &fake{norm: best})
		for _, ct := range space.DARTS.CellTypes() {
			for e, set := range r.Mask.Sets(ct) {
				// The edges come in their order, so the first of a node have lost the rest by then.
				_, hi := space.DARTS.NodeEdges(space.DARTS.EdgeAt(e).Node)
				want := space.SetOf(space.None)
				if e >= hi-2 {
					want = space.SetOf(space.DilConv5x5)
				}
				if set != want {
					t.Errorf("%d per round, %v edge %d: %v is left, want %v", c.PerRound, ct, e, set, want)
				}
			}
		}
		if err := r.Mask.Validate(); err != nil {
			t.Error(err)
		}
	}
}

// Of equal scores the first primitive goes, or the last.
func TestTies(t *testing.T) {
	c := prune.Config{AllowTies: true, ToOne: true, Measure: prune.Operations, PerRound: 1, Repeats: 1}
	if r := prunes(t, c, space.DARTS.FullMask(), &fake{norm: constant}); r.Mask != everywhere(space.DilConv5x5) {
		t.Errorf("the first went, and left %v", r.Mask)
	}
	c.LastOfTies = true
	if r := prunes(t, c, space.DARTS.FullMask(), &fake{norm: constant}); r.Mask != everywhere(space.MaxPool3x3) {
		t.Errorf("the last went, and left %v", r.Mask)
	}
	// Only of equal ones.
	rising := worth(func(c space.Candidate) float64 { return float64(c.Op.Index()) })
	if r := prunes(t, c, space.DARTS.FullMask(), &fake{norm: rising}); r.Mask != everywhere(space.DilConv5x5) {
		t.Errorf("without a tie %v is left", r.Mask)
	}
}

// The rounds of a pruning, and how much each leaves, are those of its plan whatever the scores are;
// what is left is a space that can be searched.
func TestPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		start := space.DARTS.FullMask()
		if rapid.Bool().Draw(t, "random mask") {
			start, _ = space.DARTS.RandomMask(rng, rapid.Float64Range(.3, 1).Draw(t, "keep"))
		}
		c := prune.Config{Xi: rapid.Float64Range(.55, .95).Draw(t, "xi"), Measure: rapid.SampledFrom(
			[]prune.Measure{prune.Operations, prune.Architectures}).Draw(t, "measure"),
			KeepNone: rapid.Bool().Draw(t, "keep none"), PerRound: rapid.IntRange(1, 4).Draw(t, "per round"),
			Repeats: 1, ToOne: rapid.Bool().Draw(t, "to one"), LastOfTies: rapid.Bool().Draw(t, "last of ties")}
		plan, err := prune.Plan(c, start)
		f := &fake{norm: func(int, space.Mask) float64 { return 1 + rng.Float64() }}
		res, failed := prune.Run(t.Context(), c, start, f, prune.Progress{}, prune.Observer{})
		if (err == nil) != (failed == nil) || len(res.Rounds) != len(plan.Rounds) {
			t.Fatalf("planned %d rounds, %v, were %d, %v", len(plan.Rounds), err, len(res.Rounds), failed)
		}
		for i, r := range res.Rounds {
			for _, ct := range space.DARTS.CellTypes() {
				for e, set := range r.Mask.Sets(ct) {
					if set.Len() != plan.Rounds[i].Mask.At(ct, e).Len() {
						t.Fatalf("round %d leaves %v on %v edge %d, planned %v", i, set, ct, e,
							plan.Rounds[i].Mask.At(ct, e))
					}
				}
			}
		}
		if err := res.Mask.Validate(); err != nil {
			t.Fatal(err)
		}
	})
	_, err := prune.Plan(prune.Config{Xi: 2, Measure: prune.Operations, PerRound: 1, Repeats: 1}, space.DARTS.FullMask())
	check.Error(t, err, "between 0 and 1")
}

// Whatever the scores are, a mask keeps a genotype within the limits; edges that are ranked together keep the same
// operations; and without limits other operations would be left.
func TestPruningWithinLimits(t *testing.T) {
	params, _ := space.DARTS.CountedCosts(space.Size{Channels: 16, Cells: 20}, 10, 32)
	l := budget.Limit{Name: "weights", Costs: params, Print: func(x float64) string { return fmt.Sprint(x) }}
	full := space.DARTS.FullMask()
	least, most := l.Range(full)
	// Heavy operations score best, so that pruning wants all that is cheap to go.
	heavy := worth(func(c space.Candidate) float64 { return *params.Gene(c.Cell, c.Edge, c.Op) })
	for _, pool := range []prune.Pool{prune.NoPool, prune.PoolCell, prune.PoolNetwork} {
		for _, perRound := range []int{1, 3} {
			c := prune.Config{Xi: .5, Measure: prune.Operations, PerRound: perRound, Repeats: 1, Pool: pool, AllowTies: true}
			free := prunes(t, c, full, &fake{norm: heavy}).Mask
			for _, at := range []float64{.02, .1, .3} {
				l.Most = least + at*(most-least)
				c.Limits = budget.Limits{l}
				m := prunes(t, c, full, &fake{norm: heavy}).Mask
				if !c.Limits.Admits(m) {
					t.Errorf("%s, %d a round: the mask has no genotype of at most %v weights", pool, perRound, l.Most)
				}
				if c.Limits.Admits(free) {
					t.Errorf("%s, %d a round: it has one without limits: %v proves nothing", pool, perRound, l.Most)
				}
				for ct, e := range m.Places() {
					if pool == prune.PoolNetwork && m.At(ct, e) != m.At(space.Normal, 0) {
						t.Errorf("%d a round: %v edge %d keeps other operations than the first edge", perRound, ct, e)
					}
				}
			}
		}
	}
}

// Operations that are to stay do, whatever they score; the same number as otherwise is left.
func TestKeep(t *testing.T) {
	worst := worth(func(c space.Candidate) float64 {
		if c.Op == space.SkipConnect {
			return -5
		}
		return float64(c.Op.Index())
	})
	for _, pool := range []prune.Pool{prune.NoPool, prune.PoolNetwork} {
		c := prune.Config{Xi: .5, Measure: prune.Operations, PerRound: 3, Repeats: 1, Pool: pool}
		if m := prunes(t, c, space.DARTS.FullMask(), &fake{norm: worst}).Mask; m.At(space.Normal, 0).Has(space.SkipConnect) {
			t.Fatal("skip_connect stays by itself: the test proves nothing")
		}
		c.Keep = space.SetOf(space.SkipConnect)
		m := prunes(t, c, space.DARTS.FullMask(), &fake{norm: worst}).Mask
		for ct, e := range m.Places() {
			if !m.At(ct, e).Has(space.SkipConnect) || m.At(ct, e).Len() != 4 {
				t.Errorf("pool %s, %v edge %d: %v is left", pool, ct, e, m.Primitives(ct, e))
			}
		}
	}
}
