package main

import (
	"fmt"
	"math"

	"zos-ort/models/space"
	"zos-ort/prune"
)

// check refuses what no run could do; these are mistakes on the command line.
func (cfg *config) check(m method) error {
	if err := cfg.deviceSettings.check(); err != nil {
		return err
	}
	if cfg.profile && cfg.Device != onCPU {
		return usagef("--profile is for --device cpu")
	}
	if cfg.Thread < 1 || cfg.ValidImages < 0 || cfg.PruneBatch < 1 ||
		cfg.PruneBatches < 1 || cfg.NetChannels < 2 || cfg.NetChannels%2 != 0 {
		return usagef("threads, images, batches and (even) channels must be positive")
	}
	if cfg.NetCells < 3 { // of two cells both are reduction cells: no normal cell to export
		return usagef("--network-cells must be at least 3, got %d", cfg.NetCells)
	}
	if !(cfg.Xi > 0 && cfg.Xi < 1) {
		return usagef("--xi is the fraction of the search space to keep and must lie between 0 and 1, "+
			"got %v", cfg.Xi)
	}
	if err := cfg.pruning(m).Validate(); err != nil {
		return asUsage(err)
	}
	if floor := cfg.leastXi(); m.mask == algorithm1 && cfg.Xi < floor {
		return usagef("--xi %v cannot be reached: with one operation left on every edge %.3g of the %s "+
			"remain", cfg.Xi, floor, cfg.XiMeasure)
	}
	if _, err := prune.ParseKernel(cfg.Kernel); err != nil {
		return asUsage(err)
	}
	if cfg.Ties != tiesFirst && cfg.Ties != tiesLast {
		return usagef("unknown --ties %q: use %s or %s", cfg.Ties, tiesFirst, tiesLast)
	}
	rank := cfg.rankNet()
	rank.Classes = 2 // the data set is not known yet
	if err := rank.Validate(); err != nil {
		return usagef("ranking network: %w", err)
	}
	if math.IsInf(cfg.Beta, 0) {
		return usagef("--beta-reg must be finite, got %v", cfg.Beta)
	}
	s := cfg.search(space.FullMask())
	s.Net.Classes = 2 // the data set is not known yet
	if err := s.Validate(); err != nil {
		return asUsage(err)
	}
	return nil
}

// leastXi is what remains of the space when every edge has one operation left.
func (cfg *config) leastXi() float64 {
	const one = 1. / space.NumPrimitives
	if prune.Measure(cfg.XiMeasure) == prune.Architectures {
		return math.Pow(one, 2*space.Edges)
	}
	return one
}

// checkInput refuses, before anything is written, input that the run would stumble over later.
func (cfg *config) checkInput(m method) error {
	if cfg.MaskFile != "" {
		if m.found == byScores {
			return usagef("method %s derives the genotype from pruning scores: it cannot start from a mask",
				m.name)
		}
		if _, err := space.ReadMask(cfg.MaskFile); err != nil {
			return err
		}
	}
	if cfg.Pad < 0 || cfg.Pad > cfg.ImageSize {
		return usagef("--pad must lie between 0 and the image side, got %d for %d", cfg.Pad,
			cfg.ImageSize)
	}
	if cfg.MaskFile == "" && m.ranks() && cfg.PruneBatch > cfg.TrainImages {
		return fmt.Errorf("--prune-batch %d is larger than the %d images of %s", cfg.PruneBatch,
			cfg.TrainImages, cfg.DataName)
	}
	return nil
}

// checkHalves refuses a batch that one half of the images cannot fill.
func (cfg *config) checkHalves(m method) error {
	if m.searches() && cfg.Batch > cfg.TrainImages/2 {
		return fmt.Errorf("--batch %d is larger than half of the %d images of %s: weights and alphas "+
			"train on one half each", cfg.Batch, cfg.TrainImages, cfg.DataName)
	}
	return nil
}
