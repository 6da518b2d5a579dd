package prune_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"zos-ort/models/space"
	"zos-ort/prune"
)

// fake is a ranker in pure Go: norm(repeat, mask) is the kernel norm of a network.
type fake struct {
	norm   func(repeat int, m space.Mask) float64
	opened []space.Mask
	closed int
	fail   error  // of Norms
	each   func() // called for every network, if set
}

func (f *fake) Open(_ context.Context, m space.Mask) (prune.Session, error) {
	f.opened = append(f.opened, m)
	return &fakeSession{f, m}, nil
}

type fakeSession struct {
	*fake
	mask space.Mask
}

func (s *fakeSession) Close() { s.closed++ }

func (s *fakeSession) Norms(ctx context.Context, repeat int, nets []space.Mask, norms prune.Norms,
	step func()) error {
	for i := range norms {
		if err := errors.Join(ctx.Err(), s.fail); err != nil {
			return err
		}
		if !math.IsNaN(norms[i]) {
			continue
		}
		norms[i] = s.norm(repeat, nets[i])
		if s.each != nil {
			s.each()
		}
		step()
	}
	return nil
}

// worth makes a network's norm the sum of what its operations are worth.
func worth(value func(c space.Candidate) float64) func(int, space.Mask) float64 {
	return func(_ int, m space.Mask) float64 {
		sum := 1000.
		for _, t := range space.DARTS.CellTypes() {
			for _, c := range m.Candidates(t) {
				sum += value(c)
			}
		}
		return sum
	}
}

// constant norms tie everywhere.
func constant(int, space.Mask) float64 { return 1 }

func config() prune.Config {
	return prune.Config{Xi: .5, Measure: prune.Operations, PerRound: 1, Repeats: 1, AllowTies: true}
}

func prunes(t *testing.T, c prune.Config, start space.Mask, f *fake) prune.Result {
	t.Helper()
	r, err := prune.Run(context.Background(), c, start, f, prune.Progress{}, prune.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	if f.closed != len(f.opened) || len(f.opened) != len(r.Rounds) {
		t.Errorf("%d sessions opened and %d closed in %d rounds", len(f.opened), f.closed, len(r.Rounds))
	}
	return r
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
