package space

import (
	"maps"
	"testing"
)

func named3(t testing.TB) []Genotype {
	t.Helper()
	var list []Genotype
	for _, name := range Names() {
		list = append(list, must(Named(name))(t))
	}
	if len(list) != 3 {
		t.Fatalf("%d published genotypes", len(list))
	}
	return list
}

func TestNamed(t *testing.T) {
	v1, v2 := named3(t)[0], named3(t)[1]
	if v1.Normal[0] != (Gene{SepConv3x3, 1}) || v1.Reduce[7] != (Gene{AvgPool3x3, 0}) {
		t.Errorf("DARTS_V1 is %v", v1)
	}
	if v2.Normal[7] != (Gene{DilConv3x3, 2}) || v2.Cell(Reduce)[3] != (Gene{MaxPool3x3, 1}) {
		t.Errorf("DARTS_V2 is %v", v2)
	}
	_, err := Named("darts_v1")
	wantError(t, err, `unknown name "darts_v1"`, "DARTS_V1, DARTS_V2, PC_DARTS_cifar")
}

func TestGenotypeValidate(t *testing.T) {
	cases := []struct {
		change func(g *Genotype)
		parts  []string
	}{
		{func(g *Genotype) { g.Normal[2].Op = None }, []string{"none is not", "normal/node1"}},
		{func(g *Genotype) { g.Normal[2].Op = shipped("nb201").operations[2] }, []string{"nor_conv_1x1 is not", "normal/node1"}},
		{func(g *Genotype) { g.Reduce[0].Source = 2 },
			[]string{"node 0 reads states 0 to 1, not 2", "reduce/node0"}},
		{func(g *Genotype) { g.Reduce[7].Source = 5 },
			[]string{"node 3 reads states 0 to 4, not 5", "reduce/node3"}},
		{func(g *Genotype) { g.Reduce[7].Source = -1 }, []string{"not -1", "reduce/node3"}},
		{func(g *Genotype) { g.Normal[5].Source = g.Normal[4].Source },
			[]string{"node 2 reads two different states", "twice", "normal/node2"}},
		{func(g *Genotype) { *g = Genotype{} }, []string{"normal/node0"}},
	}
	for _, c := range cases {
		g := named3(t)[1]
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		c.change(&g)
		wantError(t, g.Validate(), append(c.parts, "genotype: ")...)
		_, err := g.MarshalJSON()
		wantError(t, err, c.parts...)
		if g.Allowed(DARTS.FullMask()) {
			t.Errorf("an invalid genotype is allowed: %v", g)
		}
	}
}

func TestGenotypeCounts(t *testing.T) {
	g := named3(t)[1]
	want := map[Primitive]int{MaxPool3x3: 5, SkipConnect: 5, SepConv3x3: 5, DilConv3x3: 1}
	if got := g.Counts(); !maps.Equal(got, want) {
		t.Errorf("counts %v, want %v", got, want)
	}
	want = map[Primitive]int{MaxPool3x3: 5, SkipConnect: 3}
	if got := g.CountsIn(Reduce); !maps.Equal(got, want) || g.Skips(Reduce) != 3 {
		t.Errorf("counts of the reduction cell %v, want %v", got, want)
	}
}

func TestGenotypeAllowed(t *testing.T) {
	g := named3(t)[2]
	m := DARTS.FullMask().Drop(None)
	if !g.Allowed(m) {
		t.Error("not allowed by the mask of all operations")
	}
	e := DARTS.EdgeIndex(3, 1) // node 3 reads state 1 through dil_conv_3x3
	if m = m.Without(Candidate{Normal, e, DilConv3x3}); g.Allowed(m) {
		t.Error("allowed without one of its operations")
	}
}
