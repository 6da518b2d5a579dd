package prune_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"zos-ort/models/space"
	"zos-ort/prune"
)

// refusal is why a pruning is refused, nil if it is not.
func refusal(t *testing.T, c prune.Config, norm func(repeat int, m space.Mask) float64) *prune.Indistinct {
	t.Helper()
	_, err := prune.Run(t.Context(), c, space.DARTS.FullMask(), &fake{norm: norm}, prune.Progress{}, prune.Observer{})
	var tied *prune.Indistinct
	if err != nil && !errors.As(err, &tied) {
		t.Fatal(err)
	}
	return tied
}

// A ranking of which nothing follows is refused, unless ties are allowed.
func TestIndistinct(t *testing.T) {
	rising := func(c space.Candidate) float64 { return float64(c.Op.Index()) }
	rng := rand.New(rand.NewPCG(1, 2))
	noisy := func(amplitude float64) func(int, space.Mask) float64 {
		real := worth(rising)
		return func(repeat int, m space.Mask) float64 { return real(repeat, m) + amplitude*rng.NormFloat64() }
	}
	for _, c := range []struct {
		name           string
		repeats        int
		pool           prune.Pool
		norm           func(int, space.Mask) float64
		refused, noise bool
	}{
		{"equal", 1, prune.NoPool, constant, true, false},
		{"rounding", 3, prune.NoPool, worth(func(c space.Candidate) float64 { return 1e-9 * float64(c.Op.Index()) }), true, false},
		{"clear", 1, prune.NoPool, worth(rising), false, false},
		{"clear, without any noise", 3, prune.NoPool, worth(rising), false, false},
		{"a little noise", 3, prune.NoPool, noisy(1), false, false},
		{"noise alone", 3, prune.NoPool, func(int, space.Mask) float64 { return 1000 + rng.NormFloat64() }, true, true},
		{"unknown noise", 1, prune.NoPool, func(int, space.Mask) float64 { return 1000 + rng.NormFloat64() }, false, false},
		{"noise alone, pooled", 8, prune.PoolNetwork,
			func(int, space.Mask) float64 { return 1000 + rng.NormFloat64() }, true, true},
		{"a little noise, pooled", 8, prune.PoolNetwork, noisy(1), false, false},
	} {
		p := prune.Config{Xi: .8, Measure: prune.Operations, PerRound: 1, Repeats: c.repeats, Pool: c.pool}
		tied := refusal(t, p, c.norm)
		if (tied != nil) != c.refused || tied != nil && tied.Noise != c.noise {
			t.Errorf("%s: %v", c.name, tied)
		}
		p.AllowNoise = true
		if tied := refusal(t, p, c.norm); (tied != nil) != (c.refused && !c.noise) {
			t.Errorf("%s, with noise allowed: %v", c.name, tied)
		}
		p.AllowTies = true
		if tied := refusal(t, p, c.norm); tied != nil {
			t.Errorf("%s is refused with ties allowed: %v", c.name, tied)
		}
	}
}
