package prune_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"zos-ort/models/ranks"
	"zos-ort/models/ranks/ranktest"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// Ranks rank every network once between them and end with the bits of one process, also where one of them is
// interrupted and all go on from what another has saved, with more ranks or fewer.
func TestRanksPruneAsOne(t *testing.T) {
	settling := config()
	settling.Pool, settling.Repeats, settling.Settle = prune.PoolNetwork, 6, .5
	plain := config()
	plain.Repeats = 2
	for name, c := range map[string]prune.Config{"plain": plain, "settling": settling} {
		once := 0
		want := prunes(t, c, space.DARTS.FullMask(), &fake{norm: noise, each: func() { once++ }})
		for _, n := range []int{2, 3, 4} {
			var ranked atomic.Int64
			saved := interruptedRanks(t, c, n, &ranked)
			more := n + 1
			results := make([]prune.Result, more)
			err := ranktest.Run(more, func(g ranks.Group) (err error) {
				own, f := c, &fake{norm: noise, each: func() { ranked.Add(1) }}
				own.Ranks = g
				var from prune.Progress
				if err := from.Merge(saved); err != nil {
					return err
				}
				results[g.Rank()], err = prune.Run(t.Context(), own, space.DARTS.FullMask(), f, from, prune.Observer{})
				return err
			})
			if err != nil {
				t.Fatalf("%s, %d ranks: %v", name, n, err)
			}
			for _, got := range results {
				equalResults(t, got, want)
			}
			if int(ranked.Load()) != once {
				t.Errorf("%s: %d ranks, then %d, have ranked %d networks, one process ranks %d", name, n, more, ranked.Load(), once)
			}
		}
	}
}

// interruptedRanks prunes until the last rank is told to end, and returns what the first has saved by then.
func interruptedRanks(t *testing.T, c prune.Config, n int, ranked *atomic.Int64) (saved prune.Progress) {
	t.Helper()
	err := ranktest.Run(n, func(g ranks.Group) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		mine := 0
		f := &fake{norm: noise, each: func() {
			ranked.Add(1)
			if mine++; mine == 5 && g.Rank() == n-1 {
				cancel()
			}
		}}
		own := c
		own.Ranks = g
		_, err := prune.Run(ctx, own, space.DARTS.FullMask(), f, prune.Progress{}, prune.Observer{
			Save: func(p prune.Progress) error {
				if g.Rank() == 0 {
					saved = prune.Progress{}
					return saved.Merge(p)
				}
				return nil
			}})
		if !errors.Is(err, context.Canceled) {
			return fmt.Errorf("rank %d: %w, want an interruption", g.Rank(), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}
