package search

import "zos-ort/models/space"

// window are the alphas after the last epochs from whose mean the genotype derives, the newest last, after one
// more epoch. It is empty without averaging, and during warm-up, when alphas have not moved.
func (c Config) window(before []*space.Alphas, epoch int, now *space.Alphas) []*space.Alphas {
	if c.Average < 2 || epoch < c.Warmup {
		return nil
	}
	kept := before[max(0, len(before)-c.Average+1):]
	return append(append([]*space.Alphas(nil), kept...), now)
}

// derived are the alphas that the genotype derives from: the mean of a window, or the last ones.
func derived(window []*space.Alphas, last *space.Alphas) (*space.Alphas, error) {
	if len(window) == 0 {
		return last, nil
	}
	return space.Mean(window)
}
