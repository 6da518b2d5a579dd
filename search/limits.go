package search

import "zos-ort/models/space"

// adjust changes the prices of the limits after an epoch in which the alphas have moved, by the genotype that derives
// from them without limits.
func (c Config) adjust(ep Epoch, s *Steps) error {
	if len(c.Limits) == 0 || ep.Epoch < c.Warmup || ep.Epoch >= c.Epochs {
		return nil
	}
	g, err := space.DeriveFromScores(ep.Alphas.Scores(), s.Kept)
	if err == nil {
		s.Prices.Adjust(c.Limits, g)
	}
	return err
}
