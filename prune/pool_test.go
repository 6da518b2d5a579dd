package prune_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// A pooled round ranks a network for every operation of a cell type, or of both, and all edges of the
// pool lose the same operation.
func TestPools(t *testing.T) {
	value := func(c space.Candidate) float64 { // rising with the operation; falling in the reduction cell
		v := float64(c.Op.Index()) + math.Sin(float64(7*c.Edge+3*c.Op.Index()))/10
		if c.Cell == space.Reduce {
			return -v / 2
		}
		return v
	}
	four := func(ps ...space.Primitive) space.Set { return space.SetOf(ps...) }
	rising := four(space.SepConv3x3, space.SepConv5x5, space.DilConv3x3, space.DilConv5x5)
	falling := four(space.MaxPool3x3, space.AvgPool3x3, space.SkipConnect, space.SepConv3x3)
	for _, x := range []struct {
		pool     prune.Pool
		networks int // of the first round
		reduce   space.Set
	}{{prune.PoolCell, 15, falling}, {prune.PoolNetwork, 8, rising}} {
		c := config()
		c.Pool = x.pool
		f := &fake{norm: worth(value)}
		steps := 0
		f.each = func() { steps++ }
		if n := c.Networks(space.DARTS.FullMask().Drop(space.None)); n != x.networks {
			t.Errorf("%s: %d networks, want %d", x.pool, n, x.networks)
		}
		r := prunes(t, c, space.DARTS.FullMask(), f)
		if all := map[prune.Pool]int{prune.PoolCell: 15 + 13 + 11, prune.PoolNetwork: 8 + 7 + 6}[x.pool]; steps != all {
			t.Errorf("%s: %d networks ranked, want %d", x.pool, steps, all)
		}
		for e := range space.DARTS.Edges() {
			if r.Mask.At(space.Normal, e) != rising || r.Mask.At(space.Reduce, e) != x.reduce {
				t.Fatalf("%s: edge %d is left with %v and %v", x.pool, e, r.Mask.At(space.Normal, e), r.Mask.At(space.Reduce, e))
			}
		}
		for _, cand := range r.Rounds[0].Removed {
			first := *r.Rounds[0].Scores.Of(space.Candidate{Cell: cand.Cell, Op: cand.Op})
			if got := *r.Rounds[0].Scores.Of(cand); got != first {
				t.Errorf("%s: %v scores %v, edge 0 %v", x.pool, cand, got, first)
			}
		}
	}
	_, err := prune.ParsePool("edge")
	check.Error(t, err, `unknown pool "edge": use none, cell or network`)
	c := config()
	c.Pool = "edge"
	check.Error(t, c.Validate(), "unknown pool")
	c = config()
	c.Settle = -1
	check.Error(t, c.Validate(), "must not be negative, got -1")
}

// An edge of a pool keeps its last operation, also in the ranked networks.
func TestPoolSparesTheLast(t *testing.T) {
	start := everywhere(space.SkipConnect, space.SepConv3x3)
	start.Put(space.Normal, 3, space.SetOf(space.SkipConnect))
	c := prune.Config{ToOne: true, Measure: prune.Operations, PerRound: 1, Repeats: 1, Pool: prune.PoolNetwork}
	f := &fake{norm: func(_ int, m space.Mask) float64 {
		if m.At(space.Normal, 3).Empty() {
			t.Error("an edge is empty")
		}
		return worth(func(c space.Candidate) float64 { return float64(c.Op.Index()) })(0, m)
	}}
	r := prunes(t, c, start, f)
	want := everywhere(space.SepConv3x3)
	want.Put(space.Normal, 3, space.SetOf(space.SkipConnect))
	if r.Mask != want {
		t.Errorf("left %v", r.Mask)
	}
}

// Scores with noise of ten times the differences are settled by repeats: the pooled order comes out right,
// a clear order needs fewer repeats than an unclear one, and the certainty is about that of the noise.
func TestSettle(t *testing.T) {
	noisy := func(noise float64) *fake {
		return &fake{norm: func(repeat int, m space.Mask) float64 {
			sum := 1000.
			for _, ct := range space.DARTS.CellTypes() {
				for _, c := range m.Candidates(ct) {
					rng := rand.New(rand.NewPCG(uint64(repeat), uint64(c.Edge)<<8|uint64(c.Op.Index())<<4|uint64(c.Cell)))
					sum += float64(c.Op.Index())/28 + noise*rng.NormFloat64()
				}
			}
			return sum
		}}
	}
	c := config()
	c.Pool, c.Repeats, c.Settle = prune.PoolNetwork, 400, 3
	clear, unclear := prunes(t, c, space.DARTS.FullMask(), noisy(.01)), prunes(t, c, space.DARTS.FullMask(), noisy(.3))
	want := everywhere(space.SepConv3x3, space.SepConv5x5, space.DilConv3x3, space.DilConv5x5)
	if clear.Mask != want || unclear.Mask != want {
		t.Errorf("left %v and %v", clear.Mask, unclear.Mask)
	}
	for i := range clear.Rounds {
		a, b := clear.Rounds[i], unclear.Rounds[i]
		if a.Repeats != 4 || b.Repeats <= 4 || b.Repeats == 400 {
			t.Errorf("round %d: %d and %d repeats", i+1, a.Repeats, b.Repeats)
		}
		for _, z := range append(a.Certainty, b.Certainty...) {
			if !(z >= 3) {
				t.Errorf("round %d: settled at %v standard errors", i+1, z)
			}
		}
	}
	c.Settle, c.Repeats = 0, 1
	if z := prunes(t, c, space.DARTS.FullMask(), noisy(.3)).Rounds[0].Certainty[0]; !math.IsNaN(z) {
		t.Errorf("a single repeat is certain to %v", z)
	}
	c.Repeats = 60 // 28 edges of noise .3: a difference of 1 has the error .3 sqrt(2 28/60)
	z := prunes(t, c, space.DARTS.FullMask(), noisy(.3)).Rounds[0].Certainty[0]
	if want := 1 / (.3 * math.Sqrt(2*28./60)); math.Abs(z-want) > 2 { // its own error is about 1
		t.Errorf("the certainty is %v, want about %v", z, want)
	}
}

// twoRankers says what two fakes say.
type twoRankers [2]*fake

func (f twoRankers) Open(context.Context, space.Mask) (prune.Session, error) { return f, nil }
func (twoRankers) Close()                                                    {}

func (f twoRankers) Norms(_ context.Context, repeat int, nets []space.Mask, norms prune.Norms, step func()) error {
	for r, x := range f {
		for i, m := range nets {
			norms[r*len(nets)+i] = x.norm(repeat, m)
		}
	}
	step()
	return nil
}

// Rankers are combined by the weighted sum of their relative changes, or of their places.
func TestSetOfRankers(t *testing.T) {
	up := &fake{norm: worth(func(c space.Candidate) float64 { return float64(c.Op.Index()) })}
	down := &fake{norm: worth(func(c space.Candidate) float64 { return -float64(c.Op.Index()) / 2 })}
	last, first := space.SetOf(space.SepConv3x3, space.SepConv5x5, space.DilConv3x3, space.DilConv5x5),
		space.SetOf(space.MaxPool3x3, space.AvgPool3x3, space.SkipConnect, space.SepConv3x3)
	for _, x := range []struct {
		weights []float64
		byRank  bool
		want    space.Set
	}{{[]float64{9, 1}, false, last}, {[]float64{1, 9}, false, first}, {[]float64{2, 1}, true, last},
		{[]float64{1, 2}, true, first}} {
		c := config()
		c.Weights, c.ByRank = x.weights, x.byRank
		r := check.Must(prune.Run(t.Context(), c, space.DARTS.FullMask(), twoRankers{up, down}, prune.Progress{}, prune.Observer{}))(t)
		if r.Mask != everywhere(space.DARTS.Members(x.want)...) {
			t.Errorf("weights %v, by rank %v: left %v", x.weights, x.byRank, r.Mask.At(0, 0))
		}
		cand := space.Candidate{Op: space.DilConv5x5}
		full := space.DARTS.FullMask().Drop(space.None)
		a, b := up.norm(0, full), down.norm(0, full)
		want := x.weights[0]*7/a - x.weights[1]*3.5/math.Abs(b)
		if x.byRank {
			want = x.weights[0] * 6 // the highest of seven places, and the lowest
		}
		if got := *r.Rounds[0].Scores.Of(cand); math.Abs(got-want) > 1e-12 || r.Rounds[0].Norm != a {
			t.Errorf("weights %v, by rank %v: score %v, want %v", x.weights, x.byRank, got, want)
		}
	}
	c := config()
	c.Weights = []float64{1, 0}
	check.Error(t, c.Validate(), "the weight of a ranker must be positive, got 0")
}
