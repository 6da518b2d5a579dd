package prune_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// noise is a norm that depends on the network and the repeat.
func noise(repeat int, m space.Mask) float64 {
	h := uint64(repeat + 1)
	for _, t := range space.DARTS.CellTypes() {
		for _, s := range m.Sets(t) {
			h = h*1099511628211 + uint64(s)
		}
	}
	return 100 + rand.New(rand.NewPCG(h, 1)).Float64()
}

// Shards rank disjoint parts of a round, none leaves anything out, and what they know together gives the result
// of one piece, round by round, whether repeats settle or not.
func TestShards(t *testing.T) {
	settling := config()
	settling.Pool, settling.Repeats, settling.Settle = prune.PoolNetwork, 6, .5
	plain := config()
	plain.Repeats = 2
	for name, c := range map[string]prune.Config{"plain": plain, "settling": settling} {
		want := prunes(t, c, space.DARTS.FullMask(), &fake{norm: noise})
		var known prune.Progress
		for round := range want.Rounds {
			ranked := 0
			var merged prune.Progress
			for index := range 3 {
				part := c
				part.Shard = prune.Shard{Index: index, Of: 3}
				var own prune.Progress
				if err := own.Merge(known); err != nil {
					t.Fatal(err)
				}
				f := &fake{norm: noise, each: func() { ranked++ }}
				_, err := prune.Run(t.Context(), part, space.DARTS.FullMask(), f, own, prune.Observer{
					Save: func(p prune.Progress) error { own = p; return nil }})
				var e *prune.PartError
				if !errors.As(err, &e) || e.Round != round+1 {
					t.Fatalf("%s: shard %d ends with %v, want a part of round %d", name, index, err, round+1)
				}
				if err := merged.Merge(own); err != nil {
					t.Fatal(err)
				}
			}
			known = merged
			all := 0
			for _, norms := range known.Rounds[round] {
				if norms.Missing() > 0 {
					t.Fatalf("%s: round %d: %d networks were left out", name, round+1, norms.Missing())
				}
				all += len(norms)
			}
			if ranked != all {
				t.Errorf("%s: round %d: %d networks were ranked, there are %d", name, round+1, ranked, all)
			}
		}
		f := &fake{norm: func(int, space.Mask) float64 { t.Fatal("a network is ranked again"); return 0 }}
		got, err := prune.Run(t.Context(), c, space.DARTS.FullMask(), f, known, prune.Observer{})
		if err != nil || got.Mask != want.Mask || len(got.Rounds) != len(want.Rounds) {
			t.Fatalf("%s: %v, %d rounds", name, err, len(got.Rounds))
		}
		for i := range got.Rounds {
			if got.Rounds[i].Repeats != want.Rounds[i].Repeats || !reflect.DeepEqual(got.Rounds[i].Removed, want.Rounds[i].Removed) {
				t.Errorf("%s: round %d differs", name, i+1)
			}
		}
	}
}

func TestMergeRefusesContradictions(t *testing.T) {
	a := prune.Progress{Rounds: [][]prune.Norms{{{1, 2}}}}
	check.Error(t, a.Merge(prune.Progress{Rounds: [][]prune.Norms{{{1, 3}}}}), "network 2 is 2 in one part, 3 in another")
	check.Error(t, a.Merge(prune.Progress{Rounds: [][]prune.Norms{{{1}}}}), "2 networks in one part, 1 in another")
}

func TestParseShard(t *testing.T) {
	if s := check.Must(prune.ParseShard("2/4"))(t); s != (prune.Shard{Index: 1, Of: 4}) {
		t.Errorf("got %+v", s)
	}
	if s := check.Must(prune.ParseShard(""))(t); s != (prune.Shard{}) {
		t.Errorf("got %+v", s)
	}
	for _, bad := range []string{"0/4", "5/4", "1", "a/2", "1/", "1/10001", "-1/2"} {
		_, err := prune.ParseShard(bad)
		check.Error(t, err, "want r/N")
	}
}
