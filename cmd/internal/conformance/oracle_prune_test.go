package conformance

import (
	"context"
	"runtime"
	"slices"
	"testing"

	"zos-ort/cmd/internal/stages"
	"zos-ort/graphgen"
	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/prune"
	"zos-ort/prune/ranking"
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

// oraclePrune runs ETENAS, which goes on to one operation per edge: its first rounds are those of the
// case, and xi is reached in the last of them.
func oraclePrune(t *testing.T, c oracleCase) {
	var want pruneExpected
	decodeStrict(t, c.Expected, &want)
	half, err := space.DARTS.ParseMask([2][][]string{want.Mask.Normal, want.Mask.Reduce})
	if err != nil {
		t.Fatal(err)
	}
	start := c.mask(t)
	res := c.etenas(t, want.Weights)
	if n := start.At(space.Normal, 0).Len() - 1; len(res.Rounds) != n || n < len(want.Rounds) {
		t.Fatalf("rounds: got %d, want %d, of which the case has %d", len(res.Rounds), n, len(want.Rounds))
	}
	for i, w := range want.Rounds {
		r := res.Rounds[i]
		near(t, "kernel norm", r.Norm, w.KernelNorm)
		compareScores(t, r.Scores, w.Scores)
		compareRemoved(t, r.Removed, w.Removed)
		reached := prune.Fraction(prune.Operations, r.Mask, start) <= c.Xi
		if last := i == len(want.Rounds)-1; reached != last {
			t.Errorf("round %d of %d reaches xi: %v", i+1, len(want.Rounds), reached)
		}
	}
	if got := res.Rounds[len(want.Rounds)-1].Mask; got != half {
		t.Errorf("mask after %d rounds: got %v, want %v", len(want.Rounds), got, half)
	}
	compareGenotype(t, res)
}

// etenas runs Algorithm 1 to one operation per edge on the supernet of the case.
func (c oracleCase) etenas(t *testing.T, wantWeights int) prune.Result {
	t.Helper()
	var weights int
	ranker := &ranking.Supernet{
		Net: supernet.Config{Channels: c.Channels, Cells: c.Cells, Classes: c.Classes,
			Mask: c.mask(t), Partial: c.Partial},
		Batch: c.Batch, Image: c.Image, Kernel: prune.Correlation, Workers: runtime.NumCPU(),
		Options:  ort.Options{Threads: 1},
		Lowering: pass.Lowering{Target: pass.CPUKernels, Passes: pass.All},
		Weights: func(_ context.Context, _ int, l graphgen.Layout) ([]float32, error) {
			weights = l.Len()
			return oracleWeights(l), nil
		},
		Images: func(int) (x []ranking.Batch, err error) {
			for b := range c.Batches {
				x = append(x, ranking.Batch{Images: c.images(200000 + b)})
			}
			return x, nil
		},
	}
	cfg := prune.Config{ToOne: true, Measure: prune.Operations, KeepNone: true, PerRound: 1, Repeats: 1}
	res, err := prune.Run(context.Background(), cfg, c.mask(t), ranker, prune.Progress{}, prune.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	if weights != wantWeights {
		t.Errorf("parameters: got %d, want %d", weights, wantWeights)
	}
	return res
}

// compareGenotype checks that one operation is left on every edge, and that the genotype has the two
// edges of every node with the highest scores of the last round.
func compareGenotype(t *testing.T, res prune.Result) {
	t.Helper()
	for _, ct := range space.DARTS.CellTypes() {
		for e, set := range res.Mask.Sets(ct) {
			if set.Len() != 1 || !set.Usable() {
				t.Errorf("%v edge %d is left with %v", ct, e, set)
			}
		}
	}
	g, err := stages.Pruned{Mask: res.Mask, Rounds: res.Rounds}.Genotype(nil)
	if err != nil || !g.Allowed(res.Mask) {
		t.Fatalf("genotype %v from the mask %v: %v", g, res.Mask, err)
	}
	last := res.Rounds[len(res.Rounds)-1].Scores
	for _, ct := range space.DARTS.CellTypes() {
		for node := range space.DARTS.Nodes() {
			strongest, second := nodeStrengths(last, res.Mask, ct, node)
			for i, want := range []float64{strongest, second} {
				gene := g.Cell(ct)[2*node+i]
				at := space.Candidate{Cell: ct, Edge: space.DARTS.EdgeIndex(node, gene.Source), Op: gene.Op}
				if got := *last.Of(at); got != want {
					t.Errorf("gene %d of %v node %d, %v, scores %v, want %v", i, ct, node, at, got, want)
				}
			}
		}
	}
}

// nodeStrengths are the two highest scores of the operations that are left on the edges into a node.
func nodeStrengths(s *prune.Scores, m space.Mask, ct space.CellType, node int) (first, second float64) {
	var all []float64
	lo, hi := space.DARTS.NodeEdges(node)
	for e := lo; e < hi; e++ {
		all = append(all, s[ct][e][m.Primitives(ct, e)[0].Index()])
	}
	slices.Sort(all)
	return all[len(all)-1], all[len(all)-2]
}

func compareScores(t *testing.T, got *prune.Scores, want map[string][]map[string]float64) {
	t.Helper()
	for _, ct := range space.DARTS.CellTypes() {
		for e, ops := range want[ct.String()] {
			for _, p := range space.DARTS.Operations() {
				score := got[ct][e][p.Index()]
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
	for _, ct := range space.DARTS.CellTypes() {
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
