package ranks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"zos-ort/models/ranks"
	"zos-ort/models/ranks/ranktest"
)

func TestMeans(t *testing.T) {
	err := ranktest.Run(4, func(g ranks.Group) error {
		r := float32(g.Rank())
		a, b := []float32{r, 2}, []float64{float64(r), -1}
		if err := errors.Join(ranks.Mean32(g, a), ranks.Mean64(g, b)); err != nil {
			return err
		}
		if a[0] != 1.5 || a[1] != 2 || b[0] != 1.5 || b[1] != -1 {
			return fmt.Errorf("rank %d: means %v and %v", g.Rank(), a, b)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// An error of one rank reaches all, with its text, its kind and its rank; that of the first is the one.
func TestAgree(t *testing.T) {
	err := ranktest.Run(3, func(g ranks.Group) error {
		kind := func(error) int { return 7 }
		if err := ranks.Agree(g, nil, kind); err != nil {
			return fmt.Errorf("nobody failed: %w", err)
		}
		var own error
		if g.Rank() > 0 {
			own = fmt.Errorf("disk %d is full: %w", g.Rank(), io.ErrShortWrite)
		}
		err := ranks.Agree(g, own, kind)
		if !errors.As(err, new(ranks.Agreed)) {
			return fmt.Errorf("rank %d does not know that all have %w", g.Rank(), err)
		}
		var other *ranks.Failed
		switch {
		case own != nil && !errors.Is(err, io.ErrShortWrite):
			return fmt.Errorf("rank %d has lost its error for %w", g.Rank(), err)
		case own == nil && (!errors.As(err, &other) || other.Rank != 1 || other.Kind != 7 ||
			err.Error() != "rank 1: disk 1 is full: short write"):
			return fmt.Errorf("rank 0 got %w", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestShareAndAlike(t *testing.T) {
	err := ranktest.Run(3, func(g ranks.Group) error {
		var list []string
		if g.Rank() == 2 {
			list = []string{"a", strings.Repeat("b", 1000)}
		}
		if err := ranks.Share(g, &list, 2); err != nil {
			return err
		}
		if len(list) != 2 || len(list[1]) != 1000 {
			return fmt.Errorf("rank %d got %v", g.Rank(), list)
		}
		if err := ranks.Alike(g, "the weights", []byte("same")); err != nil {
			return err
		}
		err := ranks.Alike(g, "the weights", []byte{byte(g.Rank() / 2)})
		if err == nil || err.Error() != "the weights of rank 2 differ from those of rank 0" {
			return fmt.Errorf("rank %d: bits that differ gave %v", g.Rank(), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// What tells one rank to end ends all of them between the same two steps.
func TestTogether(t *testing.T) {
	err := ranktest.Run(3, func(g ranks.Group) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		both := ranks.NewTogether(ctx, g)
		defer both.End()
		steps := 0
		for both.Err() == nil {
			if steps++; steps == 5 && g.Rank() == 1 {
				cancel()
				if both.Err() != nil {
					return errors.New("a rank has ended without the others")
				}
			}
			if err := both.Agree(); err != nil {
				return err
			}
		}
		if steps != 5 || !errors.Is(both.Err(), context.Canceled) {
			return fmt.Errorf("rank %d made %d steps, want 5: %w", g.Rank(), steps, both.Err())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	alone := ranks.NewTogether(ctx, nil)
	cancel()
	if alone.Agree() != nil || !errors.Is(alone.Err(), context.Canceled) {
		t.Error("a process alone did not end")
	}
}

// A rank that waits for one that has failed is not left waiting.
func TestFailureReleasesTheOthers(t *testing.T) {
	err := ranktest.Run(2, func(g ranks.Group) error {
		if g.Rank() == 1 {
			return io.EOF
		}
		return g.Sum64([]float64{1})
	})
	if !errors.Is(err, io.EOF) || !errors.Is(err, ranktest.ErrAborted) {
		t.Errorf("got %v", err)
	}
}
