package forecast_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
	"zos-ort/graphgen/check"
	"zos-ort/models/ranks"
	"zos-ort/models/ranks/ranktest"
	"zos-ort/models/space"
	"zos-ort/prune"
	"zos-ort/search"
	"zos-ort/search/retrain"
)

// TestCountsSearchOfRanks: ranks make as many steps and evaluations as forecast, with a mask, without one, with frozen
// operations, and where a perturbation decides.
func TestCountsSearchOfRanks(t *testing.T) {
	for _, c := range []struct {
		n              int
		method, derive string
		freeze         float64
	}{{2, "zos", settings.DerivePerturbation, 0}, {2, "darts", settings.DeriveAlphas, 0}, {4, "zos-rnd", settings.DeriveAlphas, .1}} {
		t.Run(fmt.Sprintf("%s %s %d", c.method, c.derive, c.n), func(t *testing.T) {
			e, set, test, o := small(t)
			e.Method, e.Search.Derive, e.Search.PerturbImages, e.Search.PerturbSteps = c.method, c.derive, 16, 2
			e.Execution.Ranks, e.Search.FreezeBelow = c.n, c.freeze
			mask := check.Must(e.LikelyMask())(t)
			cfg := check.Must(stages.SearchConfig(e, mask))(t)
			cfg.Options = o
			counters := make([]counter[search.Epoch, search.Snapshot], c.n)
			err := ranktest.Run(c.n, func(g ranks.Group) error {
				own := cfg
				own.Ranks, counters[g.Rank()] = g, newCounter[search.Epoch, search.Snapshot]()
				_, err := search.Run(t.Context(), own, set, nil, counters[g.Rank()])
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			p := forecasted(t, e, test)[forecast.Search]
			for rank, got := range counters {
				for i, s := range p.Spans {
					if s.Steps == 0 || got.steps[i] != s.Steps || got.trials[i] != s.Trials {
						t.Errorf("rank %d, epoch %d: %d steps and %d trials, %d and %d forecast", rank, i, got.steps[i], got.trials[i],
							s.Steps, s.Trials)
					}
				}
			}
			wantHalves(t, e, test.Len(), p)
		})
	}
}

// wantHalves compares a step of ranks with that of a process alone: both halves take time, and evaluations are shared.
func wantHalves(t *testing.T, e settings.Experiment, test int, p forecast.Part) {
	t.Helper()
	alone := e
	alone.Execution.Ranks = 0
	one := byName(check.Must(forecast.Guess(alone, test, "not timed"))(t))[forecast.Search]
	if got, want := p.Spans[0].Step, one.Spans[0].Step; got < .8*want || got > 1.5*want {
		t.Errorf("a step of weights takes %v on a rank, %v alone", got, want)
	}
	n := float64(e.RankCount())
	images := float64(e.Search.ValidImages)
	batches := math.Ceil(images/float64(e.Search.Batch)) / math.Ceil(images/(n*float64(e.Search.Batch)))
	if got, want := one.Spans[0].After/p.Spans[0].After, batches; math.Abs(got-want) > 1e-9*want {
		t.Errorf("an evaluation takes 1/%v of that alone, want 1/%v", got, want)
	}
}

// TestCountsTrainingOfRanks: so do ranks that train.
func TestCountsTrainingOfRanks(t *testing.T) {
	e, set, test, o := small(t)
	e.Search.SelectEpochs = 2
	e = e.Selection(check.Must(space.Named("DARTS_V2"))(t))
	e.Execution.Ranks = 2
	cfg := check.Must(stages.RetrainConfig(e))(t)
	cfg.Options = o
	counters := make([]counter[retrain.Epoch, retrain.Snapshot], 2)
	err := ranktest.Run(2, func(g ranks.Group) error {
		own := cfg
		own.Ranks, counters[g.Rank()] = g, newCounter[retrain.Epoch, retrain.Snapshot]()
		_, err := retrain.Run(t.Context(), own, set, test, nil, counters[g.Rank()])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range forecasted(t, e, test)[forecast.Training].Spans {
		if s.Steps == 0 || counters[0].steps[i] != s.Steps || counters[1].steps[i] != s.Steps || !(s.Step > 0 && s.After > 0) {
			t.Errorf("epoch %d: %d and %d steps, forecast %+v", i, counters[0].steps[i], counters[1].steps[i], s)
		}
	}
}

// TestCountsNetworksOfRanks: ranks that prune rank as many networks in a round as forecast, each its part.
func TestCountsNetworksOfRanks(t *testing.T) {
	e, set, test, _ := small(t)
	e.Ranking.PerRound, e.Execution.Ranks = 2, 3
	ranker := check.Must(stages.Ranker(t.Context(), e, new(device.Device), set))(t)
	told := make([][]int, 3)
	err := ranktest.Run(3, func(g ranks.Group) error {
		c := e.Pruning()
		c.AllowNoise, c.AllowTies, c.Ranks = true, true, g
		_, err := prune.Run(t.Context(), c, space.DARTS.FullMask(), ranker, prune.Progress{}, prune.Observer{
			Start: func(_, networks int, _ space.Mask) { told[g.Rank()] = append(told[g.Rank()], networks) }})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range forecasted(t, e, test)[forecast.Pruning].Spans {
		if s.Steps == 0 || s.Steps != told[0][i] {
			t.Errorf("round %d: %d networks of a rank, %d forecast", i, told[0][i], s.Steps)
		}
	}
}

// TestOfRanks: ranks time their steps side by side and come to one forecast, with the time of the sums in it.
func TestOfRanks(t *testing.T) {
	e, _, test, _ := small(t)
	e.Method, e.Search.Derive, e.Execution.Ranks = "zos", settings.DeriveAlphas, 2
	list := make([]forecast.Forecast, 2)
	slow := slowSums{seconds: .05}
	err := ranktest.Run(2, func(g ranks.Group) (err error) {
		s := slow
		s.Group = g
		list[g.Rank()], err = forecast.Of(t.Context(), e, test.Len(), new(device.Device), true, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	a, b := byName(list[0]), byName(list[1])
	for what, p := range a {
		if !list[0].Measured || !slices.Equal(p.Spans, b[what].Spans) {
			t.Errorf("%s: %+v and %+v", what, p.Spans, b[what].Spans)
		}
	}
	search := a[forecast.Search].Spans
	if warm, whole := search[0].Step, search[2].Step; warm < slow.seconds || whole < warm {
		t.Errorf("steps of %v and %v s, of which sums alone take %v", warm, whole, slow.seconds)
	}
}

// slowSums is a group whose sums of float32 take a time.
type slowSums struct {
	ranks.Group
	seconds float64
}

func (s slowSums) Sum32(v []float32) error {
	time.Sleep(time.Duration(s.seconds * float64(time.Second)))
	return s.Group.Sum32(v)
}

// TestOfRanksEndsTogether: what stops one rank stops the timing of all.
func TestOfRanksEndsTogether(t *testing.T) {
	e, _, test, _ := small(t)
	e.Execution.Ranks = 2
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	failed := make([]error, 2)
	err := ranktest.Run(2, func(g ranks.Group) error {
		ctx := t.Context()
		if g.Rank() == 1 {
			ctx = stopped
		}
		_, failed[g.Rank()] = forecast.Of(ctx, e, test.Len(), new(device.Device), true, g)
		return nil
	})
	if err != nil || !errors.Is(failed[1], context.Canceled) || !errors.As(failed[0], new(ranks.Agreed)) {
		t.Errorf("got %v, %v", err, failed)
	}
}
