package dataparallel

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/pass"
	"zos-ort/models/ranks"
	"zos-ort/models/ranks/ranktest"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
)

// Sums of vectors, with numbers worked out by hand: 4 ranks on 1 GB/s with 10 us, 3 calls of 8 MB together.
func TestNetwork(t *testing.T) {
	w, x := Network{Latency: 1e-5, Bandwidth: 1e9}, Exchange{Calls: 3, Bytes: 8e6}
	for n, want := range map[int]float64{1: 0, 2: 3*2*1e-5 + 8e6/1e9, 4: 3*4*1e-5 + 1.5*8e6/1e9, 5: 3*6*1e-5 + 1.6*8e6/1e9} {
		check.Close(t, "seconds", []float64{w.Seconds(x, n)}, []float64{want}, 1e-12, 0)
	}
	for _, n := range []int{2, 4} { // what a network shows gives the network
		got := networkOf(x, n, w.Seconds(x, n), w.Seconds(Exchange{Calls: 1}, n))
		check.Close(t, "network", []float64{got.Latency, got.Bandwidth}, []float64{w.Latency, w.Bandwidth}, 1e-9, 0)
	}
	if got := networkOf(x, 2, 1e-5, 1e-5); got.Bandwidth <= 0 || math.IsInf(got.Bandwidth, 0) {
		t.Errorf("a sum that is lost in its latency gives %v", got)
	}
	p := w.Predict(x, 4, 16, .1)
	check.Close(t, "predicted", []float64{p.Seconds, p.Images, p.Efficiency}, []float64{.11212, 128 / .11212, .1 / .11212}, 1e-9, 0)
}

// The model adds the sums on the network between two ranks to what processes take that do not exchange anything.
func TestResult(t *testing.T) {
	w, x := Network{Latency: 1e-5, Bandwidth: 1e9}, Exchange{Calls: 5, Bytes: 4e6}
	sample := func(n int, alone float64) Sample {
		return Sample{Ranks: n, Alone: alone, Together: alone + w.Seconds(x, n), Exchange: w.Seconds(x, n),
			Small: w.Seconds(Exchange{Calls: 1}, n), Sums: x}
	}
	r := Request{Batch: 8, Threads: 1, Networks: []Named{{"slow", w}}}
	got := r.result("darts", []Sample{sample(1, .1), sample(2, .1), sample(4, .2)})
	for _, m := range got.Measured {
		check.Close(t, "model", []float64{m.Model}, []float64{m.Seconds}, 1e-9, 0)
	}
	if len(got.Forecasts) != len(predicted) || got.Forecasts[0].Ranks != 8 {
		t.Errorf("forecasts %v", got.Forecasts)
	}
	if r.Step = 1; r.result("darts", []Sample{sample(1, .1)}).Forecasts[0].Seconds < 1 {
		t.Error("the forecast is not that of the given step")
	}
}

// counting is a group that counts what is summed.
type counting struct {
	ranks.Group
	calls, bytes *atomic.Int64
}

func (c counting) Sum32(v []float32) error {
	c.calls.Add(1)
	c.bytes.Add(int64(4 * len(v)))
	return c.Group.Sum32(v)
}

func (c counting) Sum64(v []float64) error {
	c.calls.Add(1)
	c.bytes.Add(int64(8 * len(v)))
	return c.Group.Sum64(v)
}

func tiny() (graphgen.Spec, int) {
	mask := space.DARTS.FullMask()
	net := supernet.Config{Channels: 4, Cells: 3, Classes: 3, Mask: mask, Partial: 1}
	return net.Spec(2, 8, pass.Lowering{Passes: pass.All, Target: pass.CPUKernels}), space.NewAlphas(mask, false).Len()
}

// What the model counts is what a step of ranks sums.
func TestExchangeIsCounted(t *testing.T) {
	openRuntime(t)
	s, alphas := tiny()
	err := ranktest.Run(2, func(g ranks.Group) error {
		c := counting{g, new(atomic.Int64), new(atomic.Int64)}
		r, err := openRank(s, alphas, c, ort.Options{Threads: 1})
		if err != nil {
			return err
		}
		defer r.close()
		want := exchangeOf(r.net.Shape, alphas)
		for _, work := range []func() error{r.step, r.exchange} {
			c.calls.Store(0)
			c.bytes.Store(0)
			if err := work(); err != nil {
				return err
			}
			if got := (Exchange{int(c.calls.Load()), int(c.bytes.Load())}); got != want {
				t.Errorf("sums %v, want %v", got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMeasure(t *testing.T) {
	openRuntime(t)
	s, alphas := tiny()
	for _, n := range []int{1, 2} {
		err := ranktest.Run(n, func(g ranks.Group) error {
			m, err := Measure(context.Background(), s, alphas, g, ort.Options{Threads: 1}, time.Millisecond)
			if err == nil && (m.Ranks != n || m.Alone <= 0 || m.Together <= m.Exchange || m.Small <= 0) {
				t.Errorf("%d ranks: %+v", n, m)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(ctx, s, alphas, ranks.One{}, ort.Options{Threads: 1}, time.Hour); err == nil {
		t.Error("an interrupted measurement ends well")
	}
}

func openRuntime(t *testing.T) {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}
