package search

import "zos-ort/models/space"

// Stop says why a search ended early: skip connections are taking over, the known way in which
// DARTS fails (DARTS+, Liang et al. 2019, stops for it).
type Stop struct {
	Epoch int            `json:"epoch"` // whose genotype has them; the result is from before it
	Cell  space.CellType `json:"cell"`
	Skips int            `json:"skip_connects"`
}

// stop is nil as long as the search is to go on. During warm-up the alphas have not moved and the
// genotype comes from random numbers and means nothing.
func (c Config) stop(ep Epoch) *Stop {
	if c.StopOnSkips == 0 || ep.Epoch < c.Warmup {
		return nil
	}
	for _, t := range ep.Genotype.Space().CellTypes() {
		if n := ep.Genotype.Skips(t); n >= c.StopOnSkips {
			return &Stop{Epoch: ep.Epoch, Cell: t, Skips: n}
		}
	}
	return nil
}

// after is where the search stands after an epoch. One that ends the search is taken back: the
// alphas and what is known of them are those of the epoch before. Before the first epoch there are
// only the alphas.
func (c Config) after(at Snapshot, ep Epoch, s *Steps) (Snapshot, error) {
	next := Snapshot{Epoch: ep.Epoch + 1, Last: &ep, Stop: c.stop(ep), Recent: at.Recent}
	if next.Stop == nil {
		next.Recent = c.window(at.Recent, ep.Epoch, s.Alphas.Clone())
		return next, nil
	}
	if err := s.Alphas.SetVector(at.Before.Vector()); err != nil {
		return next, err
	}
	if at.Last != nil {
		next.Last = at.Last
		return next, nil
	}
	var err error
	next.Last.Genotype, err = c.Limits.Derive(s.Alphas.Scores(), s.Kept)
	return next, err
}
