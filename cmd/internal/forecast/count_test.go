package forecast_test

import (
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/program"
	"zos-ort/prune"
	"zos-ort/search"
	"zos-ort/search/data"
	"zos-ort/search/retrain"
	"zos-ort/search/train"
)

// counter counts what a training reports, epoch by epoch.
type counter[E, S any] struct{ steps, trials map[int]int }

func newCounter[E, S any]() counter[E, S] { return counter[E, S]{map[int]int{}, map[int]int{}} }

func (c counter[E, S]) Step(p train.Progress) {
	if p.Decides {
		c.trials[p.Epoch]++
	} else {
		c.steps[p.Epoch]++
	}
}
func (c counter[E, S]) Epoch(E) error              { return nil }
func (c counter[E, S]) Save(S, *program.Net) error { return nil }

// small is an experiment of moments, with its images.
func small(t *testing.T) (e settings.Experiment, set, test *data.Set, o ort.Options) {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	e = settings.Quick()
	e.Command, e.Device.Threads, e.Images.Size, e.Images.Train = "search", 1, 8, 70
	e.Network = settings.Network{Channels: 4, Cells: 3, Partial: 1}
	e.Ranking.Channels, e.Ranking.Cells, e.Ranking.Partial, e.Ranking.Batch, e.Ranking.Repeats, e.Ranking.Settle = 4, 3, 1, 16, 2, 0
	x := &e.Search
	x.Batch, x.Epochs, x.Warmup, x.ValidImages, x.SelectEpochs = 8, 3, 1, 12, 2
	p := terminal.New(io.Discard, io.Discard, false, true)
	var err error
	if set, test, err = images.Load(t.Context(), &e.Images, e.Seed, 20, p); err != nil {
		t.Fatal(err)
	}
	return e, set, test, ort.Options{Threads: 1}
}

func forecasted(t *testing.T, e settings.Experiment, test *data.Set) map[string]forecast.Part {
	t.Helper()
	return byName(check.Must(forecast.Guess(e, test.Len(), "not timed"))(t))
}

func byName(f forecast.Forecast) map[string]forecast.Part {
	parts := map[string]forecast.Part{}
	for _, p := range f.Parts {
		parts[p.What] = p
	}
	return parts
}

// TestOfTimesSteps: the steps of all parts are timed, those of a large batch on a part of it, and a run of moments is
// not timed unless it is to be.
func TestOfTimesSteps(t *testing.T) {
	e, _, test, _ := small(t)
	e.Search.Select = 2
	f := check.Must(forecast.Of(t.Context(), e, test.Len(), new(device.Device), false, nil))(t)
	if f.Measured || f.Map() != nil || f.String() != "seconds" {
		t.Errorf("a run of moments is timed: %v", f)
	}
	f = check.Must(forecast.Of(t.Context(), e, test.Len(), new(device.Device), true, nil))(t)
	if m := f.Map(); len(m) != 3 || !(m[forecast.Pruning] > 0 && m[forecast.Search] > 0 && m[forecast.Selection] > 0) {
		t.Errorf("got %v", m)
	}
	step := byName(f)[forecast.Search].Spans[0].Step
	e.Images.Train, e.Search.Batch, e.Search.Select, e.Method = 1<<20, 1<<13, 0, "darts"
	start := time.Now()
	f = check.Must(forecast.Of(t.Context(), e, test.Len(), new(device.Device), false, nil))(t)
	if took := time.Since(start); !f.Measured || took > time.Minute {
		t.Errorf("%v after %v", f, took)
	}
	if large := byName(f)[forecast.Search].Spans[0].Step; large < 20*step {
		t.Errorf("a batch of 8192 takes %v s, one of 8 takes %v s", large, step)
	}
}

// TestCountsSearch: a search makes as many steps in every epoch as forecast, also for decisions by perturbation, of a
// pruned space and of all operations.
func TestCountsSearch(t *testing.T) {
	for method, derive := range map[string]string{"zos": settings.DerivePerturbation, "zos-rnd": settings.DeriveAlphas,
		"darts": settings.DeriveAlphas, "pc-darts": settings.DerivePerturbation} {
		t.Run(method+" "+derive, func(t *testing.T) {
			e, set, test, o := small(t)
			e.Method, e.Search.Derive, e.Search.PerturbImages, e.Search.PerturbSteps = method, derive, 16, 2
			mask := check.Must(e.LikelyMask())(t)
			cfg := check.Must(stages.SearchConfig(e, mask))(t)
			cfg.Options = o
			c := newCounter[search.Epoch, search.Snapshot]()
			if _, err := search.Run(t.Context(), cfg, set, nil, c); err != nil {
				t.Fatal(err)
			}
			decisions := 0
			if derive == settings.DerivePerturbation {
				decisions = space.DARTS.Decisions()
			}
			p := forecasted(t, e, test)[forecast.Search]
			if len(p.Spans) != 3+decisions || len(c.steps) != len(p.Spans) {
				t.Fatalf("%d epochs are forecast, %d were", len(p.Spans), len(c.steps))
			}
			made := 0
			for i, s := range p.Spans {
				if made += c.trials[i]; c.steps[i] != s.Steps || c.trials[i] != s.Trials {
					t.Errorf("epoch %d: %d steps and %d trials, %d and %d forecast", i, c.steps[i], c.trials[i], s.Steps, s.Trials)
				}
			}
			if (made == 0) != (decisions == 0) {
				t.Errorf("%d trials", made)
			}
			if p.Spans[0].Step >= p.Spans[1].Step {
				t.Error("the warm-up is as slow as what comes after it")
			}
		})
	}
}

// TestForecastsWhatPruningKeeps: Algorithm 1 keeps the convolutions, which take longer than what chance would keep.
func TestForecastsWhatPruningKeeps(t *testing.T) {
	e, _, test, _ := small(t)
	step := func(mask space.Mask) float64 {
		given := e
		given.Ranking.MaskFile = filepath.Join(t.TempDir(), "mask.json")
		if err := space.WriteMask(given.Ranking.MaskFile, mask); err != nil {
			t.Fatal(err)
		}
		return forecasted(t, given, test)[forecast.Search].Spans[1].Step
	}
	likely := check.Must(e.LikelyMask())(t)
	convolutions := likely
	for c, edge := range likely.Places() {
		list := []space.Primitive{space.SepConv5x5, space.SepConv3x3, space.DilConv5x5, space.DilConv3x3}
		convolutions.Put(c, edge, space.SetOf(list[:likely.At(c, edge).Len()]...))
	}
	got := forecasted(t, e, test)[forecast.Search].Spans[1].Step
	if want := step(convolutions); math.Abs(got-want) > 1e-9*want {
		t.Errorf("a step takes %v, with all convolutions %v", got, want)
	}
	if chance := step(likely); got < 1.2*chance {
		t.Errorf("a step takes %v, on a mask of chance %v", got, chance)
	}
}

// TestForecastWithMask: once the mask is known, a search is forecast like one that was given the mask. What was timed on
// other operations still counts.
func TestForecastWithMask(t *testing.T) {
	e, _, test, _ := small(t)
	e.Search.Derive = settings.DerivePerturbation
	mask := check.Must(e.LikelyMask())(t)
	given := e
	given.Ranking.MaskFile = filepath.Join(t.TempDir(), "mask.json")
	if err := space.WriteMask(given.Ranking.MaskFile, mask); err != nil {
		t.Fatal(err)
	}
	want := forecasted(t, given, test)[forecast.Search]
	guess := check.Must(forecast.Guess(e, test.Len(), "not timed"))(t)
	known := check.Must(guess.WithMask(mask))(t)
	if got := byName(known)[forecast.Search]; math.Abs(got.Seconds()/want.Seconds()-1) > 1e-9 ||
		!slices.EqualFunc(got.Spans, want.Spans, func(a, b forecast.Span) bool { return a.Trials == b.Trials }) {
		t.Errorf("%v s, want %v s", got.Seconds(), want.Seconds())
	}
	if before := byName(guess)[forecast.Search]; before.Seconds() < 1.1*want.Seconds() {
		t.Errorf("before the mask is known %v s, after it %v s", before.Seconds(), want.Seconds())
	}
	timed := check.Must(forecast.Of(t.Context(), e, test.Len(), new(device.Device), true, nil))(t)
	again := byName(check.Must(timed.WithMask(mask))(t))[forecast.Search].Spans[2].Step
	ratio := want.Spans[2].Step / byName(guess)[forecast.Search].Spans[2].Step
	if once := byName(timed)[forecast.Search].Spans[2].Step; again < .8*ratio*once || again > 1.25*ratio*once {
		t.Errorf("a step timed as %v s takes %v s under the mask, by arithmetic %.2f of it", once, again, ratio)
	}
}

// TestCountsTraining: so does a training.
func TestCountsTraining(t *testing.T) {
	e, set, test, o := small(t)
	e.Search.Select, e.Search.SelectEpochs = 2, 3
	parts := forecasted(t, e, test)
	if n := len(parts[forecast.Selection].Spans); n != 2*3 {
		t.Errorf("%d epochs of a selection", n)
	}
	e = e.Selection(check.Must(space.Named("DARTS_V2"))(t))
	cfg := check.Must(stages.RetrainConfig(e))(t)
	cfg.Options = o
	c := newCounter[retrain.Epoch, retrain.Snapshot]()
	if _, err := retrain.Run(t.Context(), cfg, set, test, nil, c); err != nil {
		t.Fatal(err)
	}
	p := forecasted(t, e, test)[forecast.Training]
	if len(p.Spans) != 3 {
		t.Fatalf("%d epochs", len(p.Spans))
	}
	for i, s := range p.Spans {
		if s.Steps != c.steps[i] || s.Steps == 0 {
			t.Errorf("epoch %d: %d steps, %d forecast", i, c.steps[i], s.Steps)
		}
	}
}

// TestCountsNetworks: a pruning ranks as many networks in every round as forecast.
func TestCountsNetworks(t *testing.T) {
	e, set, test, _ := small(t)
	e.Ranking.PerRound = 2
	p := forecasted(t, e, test)[forecast.Pruning]
	var rounds []int
	ranker := check.Must(stages.Ranker(t.Context(), e, new(device.Device), set))(t)
	c := e.Pruning()
	c.AllowNoise, c.AllowTies = true, true
	_, err := prune.Run(t.Context(), c, space.DARTS.FullMask(), ranker, prune.Progress{}, prune.Observer{
		Start: func(int, int, space.Mask) { rounds = append(rounds, 0) }, Step: func() { rounds[len(rounds)-1]++ }})
	if err != nil {
		t.Fatal(err)
	}
	if len(rounds) != len(p.Spans) {
		t.Fatalf("%d rounds, %d forecast", len(rounds), len(p.Spans))
	}
	for i, s := range p.Spans {
		if s.Steps != rounds[i] {
			t.Errorf("round %d: %d networks, %d forecast", i, rounds[i], s.Steps)
		}
		if i > 0 && !(s.Step < p.Spans[i-1].Step) {
			t.Errorf("round %d: a network of fewer operations takes as long", i)
		}
	}
	e.Execution.Shard = "2/4"
	if s := forecasted(t, e, test)[forecast.Pruning].Spans; len(s) != 1 || s[0].Steps != (rounds[0]+3)/4 {
		t.Errorf("a shard has %v", s)
	}
}
