package surrogate

import (
	"context"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"

	"zos-ort/models/space"
)

// The networks of NAS-Bench-301 whose weights a model_v2 predicts: 8 cells of 32 channels. Only the
// correlation counts, so another size would serve as well.
const (
	benchChannels = 32
	benchCells    = 8
	benchClasses  = 10
)

// A model's own order of categories is the one under which the weights that it predicts are those
// of the architectures. Any order correlates, as most weights depend on which operations there are
// and not on where; the right one leaves clearly less unexplained.
const (
	sameWeights = .9  // correlation from which on an order is believed
	clearly     = 1.5 // times as far from 1 as the right order are the others
)

// findOrder sets the order of the categories, by the data where the form does not fix it.
func (m *Model) findOrder(ctx context.Context) error {
	for _, o := range orderings {
		if o.name == m.form.ordering {
			m.order = o
			return nil
		}
	}
	archs, err := probeArchitectures(probes)
	if err != nil {
		return err
	}
	want := make([]float64, len(archs))
	for i, g := range archs {
		want[i] = float64(space.NetworkParams(g, benchChannels, benchCells, benchClasses, false))
	}
	var r [2]float64
	for i, o := range orderings {
		m.order = o
		got, err := m.predict(ctx, archs, m.form.weights, nothing)
		if err != nil {
			return err
		}
		r[i] = stat.Correlation(got, want, nil)
	}
	best, other := 0, 1
	if r[1] > r[0] {
		best, other = 1, 0
	}
	m.order = orderings[best]
	if !(r[best] >= sameWeights && 1-r[other] >= clearly*(1-r[best])) {
		return fmt.Errorf("the order of its edges cannot be told: the weights that it predicts correlate at "+
			"%.4f with those of the architectures if edges are ordered by number, at %.4f by letters", r[0], r[1])
	}
	return nil
}

// probeArchitectures are always the same random architectures.
func probeArchitectures(n int) (list []space.Genotype, err error) {
	rng := rand.New(rand.NewPCG(301, 1))
	for range n {
		g, err := space.RandomGenotype(rng, space.DARTS.FullMask())
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}
