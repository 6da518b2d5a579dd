package space

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// score sets scores by edge and primitive in the normal cell; all others are 0.
func score(entries map[Candidate]float64) *Scores {
	var s Scores
	for c, v := range entries {
		s[c.Cell][c.Edge][c.Op.Index()] = v
	}
	return &s
}

func TestDeriveTakesTheTwoStrongestEdges(t *testing.T) {
	g, err := DeriveFromScores(score(map[Candidate]float64{
		{Normal, 10, DilConv5x5}: .9, // node 3, source 1
		{Normal, 13, SepConv5x5}: .7, // node 3, source 4
		{Normal, 9, SepConv3x3}:  .6, // node 3, source 0
		{Normal, 11, None}:       1,  // none never counts
		{Normal, 2, SkipConnect}: .1, // node 1, source 0
		{Normal, 4, AvgPool3x3}:  .2, // node 1, source 2
	}), DARTS.FullMask())
	if err != nil {
		t.Fatal(err)
	}
	// Nodes 0 and 2 and the reduction cell have nothing but ties: lowest edges, lowest primitive.
	tie := [2]Gene{{MaxPool3x3, 0}, {MaxPool3x3, 1}}
	want := DARTS.Genotype(
		[]Gene{tie[0], tie[1], {AvgPool3x3, 2}, {SkipConnect, 0}, tie[0], tie[1],
			{DilConv5x5, 1}, {SepConv5x5, 4}},
		[]Gene{tie[0], tie[1], tie[0], tie[1], tie[0], tie[1], tie[0], tie[1]})
	if g != want {
		t.Errorf("derived\n%v\nwant\n%v", g, want)
	}
}

func TestDeriveReadsUnmaskedOperationsOnly(t *testing.T) {
	m := DARTS.FullMask()
	for e := range m.Sets(Normal) {
		m.Put(Normal, e, SetOf(None, SepConv3x3))
	}
	m.Put(Normal, 0, SetOf(None, SkipConnect, DilConv3x3))
	for _, e := range []int{9, 10, 11} {
		m.Put(Normal, e, SetOf(None))
	}
	s := score(map[Candidate]float64{
		{Normal, 0, MaxPool3x3}: math.NaN(), {Normal, 0, None}: math.NaN(),
		{Normal, 0, DilConv3x3}: .5, {Normal, 10, SepConv3x3}: 9,
	})
	g, err := DeriveFromScores(s, m)
	if err != nil {
		t.Fatal(err)
	}
	if g.Normal[0] != (Gene{DilConv3x3, 0}) {
		t.Errorf("node 0 has %v", g.Normal[0])
	}
	if g.Normal[6] != (Gene{SepConv3x3, 3}) || g.Normal[7] != (Gene{SepConv3x3, 4}) {
		t.Errorf("node 3 has %v, %v", g.Normal[6], g.Normal[7])
	}

	m.Put(Normal, 12, SetOf(None))
	_, err = DeriveFromScores(s, m)
	wantError(t, err, "genotype: a node needs 2 edges", "has 1", "normal/node3")
	s[Reduce][7][SepConv5x5.Index()] = math.NaN()
	_, err = DeriveFromScores(s, DARTS.FullMask().Drop(MaxPool3x3))
	wantError(t, err, "genotype: the weight of sep_conv_5x5 is NaN", "reduce/edge7")
}

// DARTS's rule in other words: sort all usable edges of a node by their best operation, stably.
func TestDeriveAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := drawRand(t)
		m := drawMask(t, rng)
		var s Scores
		for i := range s {
			for e := range s[i] {
				for p := range s[i][e] {
					s[i][e][p] = float64(rng.IntN(4)) // few values, hence many ties
				}
			}
		}
		g, err := DeriveFromScores(&s, m)
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range cellTypes {
			for node := range nodes {
				want := sortedGenes(&s[cell], m, cell, node)[:2]
				if got := g.Cell(cell); !slices.Equal(got[2*node:2*node+2], want) {
					t.Fatalf("%s: derived %v, want %v", nodePlace(cell, node), got[2*node:2*node+2], want)
				}
			}
		}
		if !g.Allowed(m) {
			t.Fatal("the mask forbids the genotype derived from it")
		}
	})
}

func sortedGenes(s *[MaxEdges][MaxOperations]float64, m Mask, cell CellType, node int) []Gene {
	var genes []Gene
	at := func(g Gene) float64 { return s[DARTS.EdgeIndex(node, g.Source)][g.Op.Index()] }
	byScore := func(a, b Gene) int { return int(at(b) - at(a)) }
	lo, hi := DARTS.NodeEdges(node)
	for e := lo; e < hi; e++ {
		var ops []Gene
		for _, p := range DARTS.Members(m.At(cell, e)) {
			if p != None {
				ops = append(ops, Gene{p, e - lo})
			}
		}
		if slices.SortStableFunc(ops, byScore); len(ops) > 0 {
			genes = append(genes, ops[0])
		}
	}
	slices.SortStableFunc(genes, byScore)
	return genes
}

// "softmax missing before comparing edges" is a bug that shipped elsewhere: here raw alphas would
// choose edges 3 and 4, their softmax chooses 2 and 3.
func TestGenotypeComparesSoftmaxNotAlphas(t *testing.T) {
	a := NewAlphas(DARTS.FullMask(), false)
	a.Row(Normal, 2)[SepConv3x3.Index()] = 1
	a.Row(Normal, 3)[SkipConnect.Index()] = 1.5
	for i := range a.Row(Normal, 4) {
		a.Row(Normal, 4)[i] = 5
	}
	g := must(a.Genotype())(t)
	if g.Normal[2] != (Gene{SkipConnect, 1}) || g.Normal[3] != (Gene{SepConv3x3, 0}) {
		t.Errorf("node 1 has %v, %v", g.Normal[2], g.Normal[3])
	}
}

func TestGenotypeUsesEdgeWeights(t *testing.T) {
	a := NewAlphas(DARTS.FullMask().Drop(None), true)
	a.Edge(Reduce)[12], a.Edge(Reduce)[9] = 2, 1
	a.Row(Reduce, 11)[a.Mask().At(Reduce, 11).Index(DilConv3x3)] = .1
	g := must(a.Genotype())(t)
	if g.Reduce[6] != (Gene{MaxPool3x3, 3}) || g.Reduce[7] != (Gene{MaxPool3x3, 0}) {
		t.Errorf("node 3 has %v, %v", g.Reduce[6], g.Reduce[7])
	}
	s := a.Scores()
	wantNear(t, "score", s[Reduce][0][SkipConnect.Index()], 1./7/2, 1e-15)
	if s[Reduce][0][None.Index()] != 0 {
		t.Errorf("a masked operation has score %v", s[Reduce][0][None.Index()])
	}
	a.Row(Normal, 6)[0] = math.NaN()
	_, err := a.Genotype()
	wantError(t, err, "NaN", "normal/edge6")
}
