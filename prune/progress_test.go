package prune_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// uneven norms differ for every network and repeat.
func uneven(repeat int, m space.Mask) float64 {
	sum := 100 + float64(repeat)
	for _, t := range space.DARTS.CellTypes() {
		for _, c := range m.Candidates(t) {
			sum += math.Sin(float64(7*c.Op.Index()+3*c.Edge+11*int(c.Cell))) + float64(repeat*c.Edge)/9
		}
	}
	return sum
}

// A pruning that is interrupted again and again, and each time goes on from what was saved as JSON,
// evaluates every network once and ends as if it had never stopped.
func TestResumedPruningIsTheSame(t *testing.T) {
	c := config()
	c.Repeats = 2
	whole := &fake{norm: uneven}
	want := prunes(t, c, space.DARTS.FullMask(), whole)
	networks := 0
	var saved prune.Progress
	for attempt := 1; ; attempt++ {
		ctx, cancel := context.WithCancel(context.Background())
		here := 0
		f := &fake{norm: uneven, each: func() {
			networks++
			if here++; here == 97 {
				cancel()
			}
		}}
		got, err := prune.Run(ctx, c, space.DARTS.FullMask(), f, saved, prune.Observer{
			Save: func(p prune.Progress) error {
				b, err := json.Marshal(p)
				saved = prune.Progress{}
				return errors.Join(err, json.Unmarshal(b, &saved))
			}})
		cancel()
		if err == nil {
			equalResults(t, got, want)
			if attempt < 10 {
				t.Errorf("only %d attempts: it was hardly ever interrupted", attempt)
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if all := 2 * ((7+6+5)*28 + 3); networks != all {
		t.Errorf("%d networks evaluated, want %d", networks, all)
	}
	again := &fake{norm: constant}
	got, err := prune.Run(context.Background(), c, space.DARTS.FullMask(), again, saved, prune.Observer{})
	if err != nil || len(again.opened) != 0 {
		t.Errorf("a finished pruning opened %d sessions: %v", len(again.opened), err)
	}
	equalResults(t, got, want)
}

func equalResults(t *testing.T, got, want prune.Result) {
	t.Helper()
	if got.Mask != want.Mask || len(got.Rounds) != len(want.Rounds) {
		t.Fatalf("%d rounds left %v, want %d and %v", len(got.Rounds), got.Mask, len(want.Rounds), want.Mask)
	}
	for i, r := range got.Rounds {
		w := want.Rounds[i]
		if r.Norm != w.Norm || r.Mask != w.Mask || !reflect.DeepEqual(r.Removed, w.Removed) {
			t.Errorf("round %d differs", i+1)
		}
		for _, cand := range space.DARTS.FullMask().Candidates(space.Normal) {
			a, b := *r.Scores.Of(cand), *w.Scores.Of(cand)
			if math.Float64bits(a) != math.Float64bits(b) {
				t.Errorf("round %d, %v: score %v, want %v", i+1, cand, a, b)
			}
		}
	}
}

func TestForeignProgressIsRefused(t *testing.T) {
	for _, c := range []struct {
		p    prune.Progress
		word string
	}{
		{prune.Progress{Rounds: [][]prune.Norms{make([]prune.Norms, 3)}}, "has 3 repeats, the settings want 1"},
		{prune.Progress{Rounds: [][]prune.Norms{{make(prune.Norms, 5)}}}, "has 5 norms, there are 197 networks"},
	} {
		_, err := prune.Run(context.Background(), config(), space.DARTS.FullMask(), &fake{norm: constant}, c.p,
			prune.Observer{})
		check.Error(t, err, c.word)
	}
}

func TestFailureToSaveEndsThePruning(t *testing.T) {
	full := errors.New("no space left")
	_, err := prune.Run(context.Background(), config(), space.DARTS.FullMask(), &fake{norm: constant},
		prune.Progress{}, prune.Observer{Save: func(prune.Progress) error { return full }})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func TestNormsThatAreNoNumbers(t *testing.T) {
	f := &fake{norm: func(int, space.Mask) float64 { return math.NaN() }}
	_, err := prune.Run(context.Background(), config(), space.DARTS.FullMask(), f, prune.Progress{},
		prune.Observer{})
	check.Error(t, err, "pruning round 1", "norms of 197 networks are not numbers")
}
