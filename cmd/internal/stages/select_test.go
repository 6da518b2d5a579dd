package stages

import (
	"testing"

	"zos-ort/models/space"
)

// Among what the search has found the highest accuracy counts, the first of equals. A random architecture has to be better
// by two standard errors: by 4.4 points of 50 % on 1000 images, and by 14 on 100.
func TestSelectionBest(t *testing.T) {
	g := space.DARTS.Heaviest()
	found := []Candidate{{Epoch: 3, Genotype: g, ValidAcc: .48}, {Epoch: 2, Genotype: g, ValidAcc: .5}, {Epoch: 1, Genotype: g, ValidAcc: .5}}
	for _, x := range []struct {
		random float64
		images int
		want   int // rival
	}{{.53, 1000, 0}, {.56, 1000, 2}, {.56, 100, 0}, {.65, 100, 2}} {
		s := selection{append(found, Candidate{Rival: 1, Genotype: g, ValidAcc: .51}, Candidate{Rival: 2, Genotype: g, ValidAcc: x.random}), x.images}
		best := s.best()
		if best.Rival != x.want || best.Rival == 0 && best.Epoch != 2 {
			t.Errorf("%v on %d images: %v", x.random, x.images, best)
		}
		if v := s.rivals(); v.Found != .5 || v.Count != 2 || v.Best != x.random {
			t.Errorf("rivals %+v", v)
		}
	}
	if (selection{found, 100}).rivals() != nil {
		t.Error("a comparison without random architectures")
	}
}
