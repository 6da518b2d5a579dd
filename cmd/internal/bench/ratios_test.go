package bench

import (
	"math"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/models/method"
)

// Networks that Algorithm 1 scores, counted by hand: 28 sets of 7 operations, then of 6, and so on.
func TestRankedNetworks(t *testing.T) {
	for _, c := range []struct {
		method string
		xi     float64
		want   int
	}{{"zos", .5, 3 + 28*(7+6+5)}, {"zos", .51, 3 + 28*(7+6+5)}, {"zos", .25, 5 + 28*(7+6+5+4+3)},
		{"etenas", .5, 6 + 28*(7+6+5+4+3+2)}} {
		m, err := method.Find(c.method)
		if err != nil {
			t.Fatal(err)
		}
		if n := rankedNetworks(m, c.xi); n != c.want {
			t.Errorf("%s to %v scores %d networks, want %d", c.method, c.xi, n, c.want)
		}
	}
}

// With steps of a second per image a search of DARTS takes 25,000 weight steps in each of 50 epochs
// and 25,000 alpha steps in each of 35.
func TestTimesOf(t *testing.T) {
	e := settings.PaperOnCIFAR().WithBatch(settings.StageSearch, 10)
	for name, want := range map[string]methodTime{
		"darts":  {Method: "darts", Weight: 20, Alpha: 10, Epoch: 75000, Search: 25000 * (50*2 + 35), Paper: 22924},
		"etenas": {Method: "etenas", Rank: 5, Search: 762 * 9 * 128 * .5, Paper: 6159},
		"zos": {Method: "zos", Weight: 20, Alpha: 10, Rank: 5, Epoch: 75000,
			Search: 25000*(50*2+35) + 507*9*128*.5, Paper: 15175},
		"random": {Method: "random"},
	} {
		m, err := method.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		got := timesOf(e.With(m), 20, 10, 5)
		if math.Abs(got.Search-want.Search) > 1e-6*want.Search || math.Abs(got.Epoch-want.Epoch) > 1e-6 {
			t.Errorf("%s: search %v, epoch %v, want %v and %v", name, got.Search, got.Epoch, want.Search, want.Epoch)
		}
		got.Search, got.Epoch = want.Search, want.Epoch
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
