package space

import "testing"

func TestSupernetParamsOfThePapers(t *testing.T) {
	cases := []struct{ classes, partial, want int }{
		{10, 1, 1930618}, {100, 1, 1953748}, {10, 4, 299578}, {100, 4, 322708},
	}
	for _, c := range cases {
		if got := SupernetParams(DARTS.FullMask(), 16, 8, c.classes, c.partial); got != c.want {
			t.Errorf("supernet with 1/%d channels and %d classes has %d weights, want %d",
				c.partial, c.classes, got, c.want)
		}
	}
}

func TestNetworkParamsOfThePapers(t *testing.T) {
	cases := []struct {
		name          string
		ten, hundreds int
	}{
		{"DARTS_V1", 3169414, 3221344},
		{"DARTS_V2", 3349342, 3401272},
		{"PC_DARTS_cifar", 3634678, 3686608},
	}
	head := map[int]int{10: 476426, 100: 545636}
	for _, c := range cases {
		g := must(Named(c.name))(t)
		for classes, want := range map[int]int{10: c.ten, 100: c.hundreds} {
			if got := NetworkParams(g, 36, 20, classes, false); got != want {
				t.Errorf("%s with %d classes has %d weights, want %d", c.name, classes, got, want)
			}
			if got := NetworkParams(g, 36, 20, classes, true); got != want+head[classes] {
				t.Errorf("%s with %d classes and auxiliary head has %d weights, want %d",
					c.name, classes, got, want+head[classes])
			}
		}
	}
}

// The oracle counted the weights of networks that PyTorch built, with masks and odd depths.
func TestParamsOracle(t *testing.T) {
	for _, c := range oracleCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			got := 0
			if c.Genotype != nil {
				var g Genotype
				for cell, genes := range [2][]named{c.Genotype.Normal, c.Genotype.Reduce} {
					if err := DARTS.readGenes(g.cell(CellType(cell)), genes, CellType(cell)); err != nil {
						t.Fatal(err)
					}
				}
				got = NetworkParams(g, c.Channels, c.Cells, c.Classes, c.Auxiliary)
			} else {
				m := DARTS.FullMask()
				if c.Mask != nil {
					m = must(DARTS.ParseMask([2][][]string{c.Mask.Normal, c.Mask.Reduce}))(t)
				}
				got = SupernetParams(m, c.Channels, c.Cells, c.Classes, c.Partial)
			}
			if got != c.Expected.Weights {
				t.Errorf("%d weights, want %d", got, c.Expected.Weights)
			}
		})
	}
}
