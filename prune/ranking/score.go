package ranking

import (
	"context"
	"fmt"

	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/prune"
)

// Score gives the kernel norm of every architecture, the mean over the repeats. An architecture is
// run inside the supernet: weight 1 for its operations and 0 for all others, and the same for the
// edges of partial channels. So one session, one set of weights and one set of images serve all,
// where a network of its own for each would take a compilation. Step is called after every network
// and repeat.
func (s *Supernet) Score(ctx context.Context, archs []space.Genotype, repeats int,
	step func()) ([]float64, error) {
	if repeats < 1 {
		return nil, fmt.Errorf("score: repeats must be at least 1, got %d", repeats)
	}
	for i, g := range archs {
		if err := g.Validate(); err != nil {
			return nil, fmt.Errorf("score: architecture %d: %w", i, err)
		}
	}
	if list := s.rankers(); len(list) > 1 || list[0].Name != "nngp" {
		return nil, fmt.Errorf("score: architectures inside the supernet are scored by the kernel norm alone")
	}
	mask := s.Net.Mask.Space().FullMask().Drop(space.None)
	opened, err := s.Open(ctx, mask)
	if err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	ss := opened.(*session)
	defer ss.Close()
	scores := make([]float64, len(archs))
	for repeat := range repeats {
		if err := ss.prepare(ctx, repeat); err != nil {
			return nil, fmt.Errorf("score: %w", err)
		}
		norms := prune.NewNorms(len(archs))
		err := ss.all(ctx, len(archs), norms, network{
			weigh: func(i int, t space.CellType, mix, edges []float32) {
				choose(mix, edges, archs[i], mask, t)
			},
			has: func(int, string) bool { return true }, // the kernel norm does not count
		}, step)
		if err != nil {
			return nil, fmt.Errorf("score: %w", err)
		}
		for i, norm := range norms {
			scores[i] += norm / float64(repeats)
		}
	}
	return scores, nil
}

// choose sets the weights of the operations and edges of a derived cell to 1, all others to 0.
func choose(mix, edges []float32, arch space.Genotype, mask space.Mask, t space.CellType) {
	chosen := map[space.Candidate]bool{}
	clear(edges)
	s := mask.Space()
	for i, g := range arch.Cell(t) {
		e := s.EdgeIndex(s.NodeOf(i), g.Source)
		chosen[space.Candidate{Cell: t, Edge: e, Op: g.Op}] = true
		if edges != nil {
			edges[e] = 1
		}
	}
	for i, o := range supernet.Operations(mask, t) {
		mix[i] = 0
		if chosen[o] {
			mix[i] = 1
		}
	}
}
