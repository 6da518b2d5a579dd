package main

import (
	"context"
	"runtime"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/prune"
)

type pruneExpected struct {
	Weights int
	Rounds  []struct {
		KernelNorm float64 `json:"kernel_norm"`
		Scores     map[string][]map[string]float64
		Removed    map[string][]*string
	}
	Mask struct{ Normal, Reduce [][]string }
}

func oraclePrune(t *testing.T, c oracleCase) {
	var want pruneExpected
	decodeStrict(t, c.Expected, &want)
	var weights int
	ranker := &prune.Supernet{
		Net: supernet.Config{Channels: c.Channels, Cells: c.Cells, Classes: c.Classes,
			Mask: c.mask(t), Partial: c.Partial, Passes: supernet.AllPasses},
		Batch: c.Batch, Image: c.Image, Kernel: prune.Correlation, Workers: runtime.NumCPU(),
		Options: ort.Options{Threads: 1},
		Weights: func(_ int, l graphgen.Layout) []float32 {
			weights = l.Len()
			return oracleWeights(l)
		},
		Images: func(int) ([][]float32, error) {
			var x [][]float32
			for b := range c.Batches {
				x = append(x, c.images(200000+b))
			}
			return x, nil
		},
	}
	cfg := prune.Config{Xi: c.Xi, Measure: prune.Operations, KeepNone: true, PerRound: 1, Repeats: 1}
	res, err := prune.Run(context.Background(), cfg, c.mask(t), ranker, prune.Progress{},
		prune.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	if weights != want.Weights {
		t.Errorf("parameters: got %d, want %d", weights, want.Weights)
	}
	if len(res.Rounds) != len(want.Rounds) {
		t.Fatalf("rounds: got %d, want %d", len(res.Rounds), len(want.Rounds))
	}
	for i, r := range res.Rounds {
		near(t, "kernel norm", r.Norm, want.Rounds[i].KernelNorm)
		compareScores(t, r.Scores, want.Rounds[i].Scores)
		compareRemoved(t, r.Removed, want.Rounds[i].Removed)
	}
	final, err := space.ParseMask(want.Mask.Normal, want.Mask.Reduce)
	if err != nil {
		t.Fatal(err)
	}
	if res.Mask != final {
		t.Errorf("mask: got %v, want %v", res.Mask, final)
	}
}

func compareScores(t *testing.T, got *prune.Scores, want map[string][]map[string]float64) {
	t.Helper()
	for _, ct := range space.CellTypes {
		for e, ops := range want[ct.String()] {
			for p := range space.Primitive(space.NumPrimitives) {
				score := got[ct][e][p]
				if expected, ok := ops[p.String()]; ok {
					near(t, "score", score, expected)
				} else if score == score {
					t.Errorf("%v edge %d %v: has a score but is not in the space", ct, e, p)
				}
			}
		}
	}
}

func compareRemoved(t *testing.T, got []space.Candidate, want map[string][]*string) {
	t.Helper()
	removed := map[[2]int]string{}
	for _, c := range got {
		removed[[2]int{int(c.Cell), c.Edge}] = c.Op.String()
	}
	for _, ct := range space.CellTypes {
		for e, name := range want[ct.String()] {
			expected := ""
			if name != nil {
				expected = *name
			}
			if r := removed[[2]int{int(ct), e}]; r != expected {
				t.Errorf("%v edge %d: removed %q, want %q", ct, e, r, expected)
			}
		}
	}
}
