package search_test

import (
	"context"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/search"
)

// stopping is a search in which the genotype of an epoch after warm-up has more skip connections than
// any before it, and the number of them. The learning rate of the alphas is large enough for that.
func stopping(t *testing.T) (c search.Config, whole []search.Epoch, at, skips int) {
	t.Helper()
	c = tinyConfig()
	c.Net.Mask = every(space.SkipConnect, space.MaxPool3x3, space.AvgPool3x3)
	c.Epochs, c.Alpha = 5, .5
	_, r := runs(t, c)
	highest := -1
	for i, e := range r.epochs {
		n := mostSkips(e.Genotype)
		if i > c.Warmup && n > highest {
			return c, r.epochs, i, n
		}
		if i >= c.Warmup {
			highest = max(highest, n)
		}
	}
	t.Fatalf("no epoch has more skip connections than those before: choose other settings")
	return
}

// every is the mask with these operations on every edge.
func every(ps ...space.Primitive) (m space.Mask) {
	for _, t := range space.DARTS.CellTypes() {
		for e := range m.Sets(t) {
			m.Put(t, e, space.SetOf(ps...))
		}
	}
	return m
}

func mostSkips(g space.Genotype) int {
	return max(g.CountsIn(space.Normal)[space.SkipConnect], g.CountsIn(space.Reduce)[space.SkipConnect])
}

// The search ends after the first epoch with so many skip connections, and its result is the epoch
// before, bit by bit; up to there it is the search that does not stop.
func TestStopOnSkips(t *testing.T) {
	runtime(t)
	c, whole, at, skips := stopping(t)
	c.StopOnSkips = skips
	res, r := runs(t, c)
	if len(r.epochs) != at+1 {
		t.Fatalf("%d epochs, want %d", len(r.epochs), at+1)
	}
	before := whole[at-1]
	if res.Genotype != before.Genotype || !res.Alphas.Equal(before.Alphas) ||
		res.Last.Epoch != at-1 || res.Last.ValidAcc != before.ValidAcc {
		t.Errorf("result %+v, want that of epoch %d: %+v", res, at-1, before)
	}
	if res.Stop == nil || res.Stop.Epoch != at || res.Stop.Skips != skips ||
		whole[at].Genotype.CountsIn(res.Stop.Cell)[space.SkipConnect] != skips {
		t.Errorf("stop %+v, want epoch %d with %d", res.Stop, at, skips)
	}
	again, after := new(recorder), r.start(t) // its result can be asked for again
	got, err := search.Run(context.Background(), c, images(t), after, again)
	if err != nil || got.Genotype != res.Genotype || !got.Alphas.Equal(res.Alphas) || len(again.steps) != 0 ||
		*got.Stop != *res.Stop || got.Last.ValidAcc != res.Last.ValidAcc {
		t.Errorf("resumed after the stop: %+v, %v", got, err)
	}
}

// Interrupted after every step and resumed, a search stops at the same place with the same bits.
func TestResumedSearchStopsTheSame(t *testing.T) {
	runtime(t)
	c, _, _, skips := stopping(t)
	c.StopOnSkips = skips
	want, whole := runs(t, c)
	got, pieces := interrupted(t, c)
	if got.Genotype != want.Genotype || !got.Alphas.Equal(want.Alphas) || got.Last.Means != want.Last.Means ||
		got.Stop == nil || *got.Stop != *want.Stop || len(pieces.steps) != len(whole.steps) {
		t.Errorf("%d steps, %+v; whole %d steps, %+v", len(pieces.steps), got, len(whole.steps), want)
	}
	equalVectors(t, pieces.state, whole.state)
}

// Without an epoch before, the result is that of the first alphas. During warm-up nothing stops.
func TestStopInTheFirstEpoch(t *testing.T) {
	runtime(t)
	c := tinyConfig()
	c.Net.Mask, c.StopOnSkips, c.Warmup = every(space.SkipConnect), 8, 0
	res, r := runs(t, c)
	if len(r.epochs) != 1 || res.Stop == nil || *res.Stop != (search.Stop{Skips: 8}) ||
		!res.Alphas.Equal(c.InitialAlphas()) {
		t.Errorf("%d epochs, %+v", len(r.epochs), res)
	}
	if g := check.Must(c.InitialAlphas().Genotype())(t); res.Genotype != g {
		t.Errorf("genotype %v, want %v", res.Genotype, g)
	}
	c.Warmup = 2
	if res, r = runs(t, c); len(r.epochs) != 2 || res.Stop != nil {
		t.Errorf("during warm-up: %d epochs, %+v", len(r.epochs), res.Stop)
	}
	for _, n := range []int{-1, 9} {
		c.StopOnSkips = n
		check.Error(t, c.Validate(), "1 to 8 skip connections to stop on")
	}
}
