package space

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestRandomMaskIsValidAndRepairsAreReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, keep := rapid.Uint64().Draw(t, "seed"), rapid.Float64Range(0, 1).Draw(t, "keep")
		m, repairs := DARTS.RandomMask(newRand(seed), keep)
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		again, _ := DARTS.RandomMask(newRand(seed), keep)
		if again != m {
			t.Fatal("the same seed gives another mask")
		}
		// Without the repairs there is the Bernoulli mask, drawn from the same numbers.
		rng := newRand(seed)
		for _, cell := range cellTypes {
			for e := range edges {
				for _, p := range DARTS.operations {
					kept, repaired := rng.Float64() < keep, isRepair(repairs, Candidate{cell, e, p})
					if m.At(cell, e).Has(p) != (kept || repaired) || kept && repaired {
						t.Fatalf("%v: drawn %v, repaired %v, in the mask %v",
							Candidate{cell, e, p}, kept, repaired, m.At(cell, e).Has(p))
					}
				}
			}
		}
	})
}

func isRepair(repairs []Repair, c Candidate) bool {
	for _, r := range repairs {
		if r.Candidate == c {
			return true
		}
	}
	return false
}

// At keep = 0 every set is repaired, and then the nodes whose sets got nothing but none. At
// keep = 1 nothing is.
func TestRandomMaskExtremes(t *testing.T) {
	m, repairs := DARTS.RandomMask(newRand(1), 0)
	empty := 0
	for _, r := range repairs {
		if r.Law == lawEmpty {
			empty++
		}
	}
	if empty != 2*edges || m.Count() != len(repairs) {
		t.Errorf("%d repairs of empty sets, %d operations, %d repairs", empty, m.Count(), len(repairs))
	}
	if m, repairs := DARTS.RandomMask(newRand(1), 1); m != DARTS.FullMask() || repairs != nil {
		t.Errorf("keeping all leaves %d operations and repairs %v", m.Count(), repairs)
	}
}

func TestRandomMaskRepairsNodes(t *testing.T) {
	found := 0
	for seed := range uint64(400) {
		_, repairs := DARTS.RandomMask(newRand(seed), 0.02)
		for _, r := range repairs {
			if r.Law == lawEmpty {
				continue
			}
			if found++; r.Op == None {
				t.Fatalf("%v does not help the node", r)
			}
		}
	}
	if found == 0 {
		t.Error("no node was repaired in 400 sparse masks: the test sees nothing")
	}
}

// 40 masks have 8,960 draws: the mean of a fair Bernoulli(.5) is within .02 of .5 (four sigmas).
func TestRandomMaskKeepsTheFraction(t *testing.T) {
	rng, kept := newRand(7), 0
	for range 40 {
		m, repairs := DARTS.RandomMask(rng, .5)
		kept += m.Count() - len(repairs)
	}
	wantNear(t, "kept fraction", float64(kept)/(40*224), .5, .02/1.5)
}

func TestRepairIsText(t *testing.T) {
	r := Repair{Candidate{Reduce, 10, SepConv5x5}, lawEmpty}
	if got := r.String(); got != "reduce/edge10/sep_conv_5x5 restored: the edge had no operation" {
		t.Error(got)
	}
	text, err := json.Marshal(r)
	want := `{"cell":"reduce","edge":10,"operation":"sep_conv_5x5","law":"the edge had no operation"}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
