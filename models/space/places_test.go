package space_test

import (
	"math/rand/v2"
	"testing"

	"zos-ort/models/space"
)

// Places with what their operations count give the costs that are counted gene by gene.
func TestPlaces(t *testing.T) {
	for _, s := range spaces(t, rand.New(rand.NewPCG(5, 1))) {
		size := space.Size{Channels: 8, Cells: 7}
		params, macs := s.CountedCosts(size, 3, 16)
		of := map[space.Place][2]int{}
		edges := 0
		for _, x := range s.Places(size, 16) {
			if _, twice := of[x.Place]; twice || x.Op == space.None || x.Side < 1 {
				t.Errorf("%s: place %+v", s.Name(), x)
			}
			weights, products := x.Count()
			of[x.Place] = [2]int{weights, products}
			edges += x.Edges
		}
		s.EachPlace(size, 16, func(_ space.CellType, _ int, p space.Place) {
			if p.Op != space.None {
				edges--
			}
		})
		if edges != 0 {
			t.Errorf("%s: %d edges too many", s.Name(), edges)
		}
		for i, want := range []*space.Costs{params, macs} {
			got := s.SumCosts(size, 16, want.Fixed, func(p space.Place) float64 { return float64(of[p][i]) })
			if *got != *want {
				t.Errorf("%s: sums of places differ from what genes count", s.Name())
			}
		}
	}
}

// DARTS has its operations at five places with 20 cells: three stages, and two reductions.
func TestPlacesOfDARTS(t *testing.T) {
	list := space.DARTS.Places(space.Size{Channels: 36, Cells: 20}, 32)
	if len(list) != 7*5 {
		t.Fatalf("%d places: %v", len(list), list)
	}
	if x := list[0]; x.Channels != 36 || x.Side != 32 || x.Stride != 1 || x.Edges != 6*14 {
		t.Errorf("the first place is %+v", x)
	}
}

func TestLive(t *testing.T) {
	nb201, err := space.Open("nb201")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|none~2|": "|none~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|",
		"|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|skip_connect~1|none~2|":         "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|",
		"|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|":         "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|",
	} {
		g, err := nb201.ParseGenotype(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Live().String(); got != want {
			t.Errorf("%s lives as %s, want %s", text, got, want)
		}
	}
	v2, _ := space.Named("DARTS_V2")
	if v2.Live() != v2 {
		t.Error("a cell whose output is all nodes has nothing that nobody reads")
	}
}
