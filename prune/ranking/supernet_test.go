package ranking_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/pass"
	"zos-ort/models/safe"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/prune"
	"zos-ort/prune/ranking"
)

// ranker is a search network of two cells on 8x8 noise, or a skipped test without a runtime.
func ranker(t *testing.T, partial, workers int) *ranking.Supernet {
	t.Helper()
	if err := ort.Open(""); errors.Is(err, ort.ErrNoRuntime) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	random := func(repeat int) *rand.Rand { return rand.New(rand.NewPCG(uint64(repeat), 1)) }
	return &ranking.Supernet{
		Net:   supernet.Config{Channels: 8, Cells: 3, Classes: 5, Mask: space.DARTS.FullMask(), Partial: partial},
		Batch: 4, Image: 8, Kernel: prune.Correlation, Workers: workers,
		Options:  ort.Options{Threads: 1},
		Lowering: pass.Lowering{Target: pass.CPUKernels, Passes: pass.All},
		Weights: func(_ context.Context, repeat int, l graphgen.Layout) ([]float32, error) {
			return l.Initialize(random(repeat)), nil
		},
		Images: func(repeat int) ([]ranking.Batch, error) {
			rng, list := random(repeat+100), make([]ranking.Batch, 2)
			for i := range list {
				for range 4 * 3 * 8 * 8 {
					list[i].Images = append(list[i].Images, float32(rng.NormFloat64()))
				}
				for j := range 4 {
					list[i].Labels = append(list[i].Labels, int64((i+j)%5))
				}
			}
			return list, nil
		},
	}
}

// smallMask has two or three operations on every edge, and more than one thing to lose.
func smallMask() space.Mask {
	m := everywhere(space.SkipConnect, space.DilConv3x3)
	m.Put(space.Normal, 0, m.At(space.Normal, 0).With(space.MaxPool3x3))
	m.Put(space.Reduce, 1, m.At(space.Reduce, 1).With(space.SepConv3x3))
	return m
}

func norms(t *testing.T, s *ranking.Supernet, m space.Mask, repeat int, c ...space.Candidate) (float64,
	[]float64) {
	t.Helper()
	session, err := s.Open(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	var networks []space.Mask
	for _, gone := range c {
		networks = append(networks, m.Without(gone))
	}
	steps, n := 0, unknown(len(c)+1)
	err = session.Norms(context.Background(), repeat, append(networks, m), n, func() { steps++ })
	if err != nil || steps != len(c)+1 {
		t.Fatalf("%d steps for %d candidates, %v", steps, len(c), err)
	}
	return n.Full(), n[:len(c)]
}

// unknown are n norms that are to be computed.
func unknown(n int) prune.Norms { return slices.Repeat(prune.Norms{math.NaN()}, n) }

// Closing a gate is the same as leaving the operation out of the graph, with the same weights.
func TestGatesAreRemoval(t *testing.T) {
	dropped := []space.Candidate{{Cell: space.Normal, Edge: 0, Op: space.MaxPool3x3},
		{Cell: space.Reduce, Edge: 1, Op: space.SepConv3x3},
		{Cell: space.Normal, Edge: 9, Op: space.DilConv3x3},
		{Cell: space.Reduce, Edge: 13, Op: space.SkipConnect}}
	for _, partial := range []int{1, 4} {
		s, mask := ranker(t, partial, 2), smallMask()
		full, gated := norms(t, s, mask, 1, dropped...)
		for i, c := range dropped {
			want, _ := norms(t, s, mask.Without(c), 1)
			if math.Abs(gated[i]-want) > 1e-4*want || want == full {
				t.Errorf("1/%d channels, %v: norm %v by the gate, %v by removal, %v with it", partial, c,
					gated[i], want, full)
			}
		}
	}
}

// Who computes what, and how often, has no influence on the bits; the repeat has.
func TestNormsAreDeterministic(t *testing.T) {
	c := smallMask().Candidates(space.Normal)[:6]
	one, gated := norms(t, ranker(t, 1, 1), smallMask(), 0, c...)
	two, again := norms(t, ranker(t, 1, 2), smallMask(), 0, c...)
	if one != two || !slices.Equal(gated, again) {
		t.Errorf("one worker %v, two workers %v", gated, again)
	}
	if other, _ := norms(t, ranker(t, 1, 1), smallMask(), 1); other == one {
		t.Error("another repeat has the same norm")
	}
}

func TestSessionErrors(t *testing.T) {
	s := ranker(t, 1, 2)
	session, err := s.Open(t.Context(), smallMask())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = session.Norms(ctx, 0, []space.Mask{smallMask()}, unknown(1), func() {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	broken := errors.New("broken")
	s.Images = func(int) ([]ranking.Batch, error) { return nil, broken }
	for range 2 { // a repeat that failed to prepare must not pass for prepared
		if err = session.Norms(context.Background(), 1, []space.Mask{smallMask()}, unknown(1), func() {}); !errors.Is(err, broken) {
			t.Errorf("images fail: %v", err)
		}
	}
	s.Images = func(int) ([]ranking.Batch, error) { return []ranking.Batch{{Images: make([]float32, 5)}}, nil }
	err = session.Norms(context.Background(), 2, []space.Mask{smallMask()}, unknown(1), func() {})
	check.Error(t, err, "rank: batch has 5 numbers, the program takes 768")
	s.Net.Channels = 3
	_, err = s.Open(t.Context(), smallMask())
	check.Error(t, err, "channels must be even, got 3")
}

// everywhere is a mask with the same operations on every edge.
func everywhere(ps ...space.Primitive) (m space.Mask) {
	for _, t := range space.DARTS.CellTypes() {
		for e := range m.Sets(t) {
			m.Put(t, e, space.SetOf(ps...))
		}
	}
	return m
}

// A panic of a worker is the error of the ranking.
func TestPanicOfAWorker(t *testing.T) {
	s := check.Must(ranker(t, 1, 2).Open(t.Context(), smallMask()))(t)
	defer s.Close()
	norms := prune.NewNorms(1)
	err := s.Norms(t.Context(), 0, []space.Mask{smallMask()}, norms, func() { panic("no bar") })
	var p *safe.Panic
	if !errors.As(err, &p) || p.Value != "no bar" {
		t.Errorf("got %v", err)
	}
}
