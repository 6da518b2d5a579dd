package main

import (
	"fmt"
	"math"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/prune"
)

// check refuses what no run could do; these are mistakes on the command line.
func (cfg *config) check(m method.Method) error {
	if err := cfg.deviceSettings.check(); err != nil {
		return err
	}
	if cfg.profile && cfg.Device != onCPU {
		return terminal.Usagef("--profile is for --device cpu")
	}
	if cfg.Thread < 1 || cfg.ValidImages < 0 || cfg.PruneBatch < 1 ||
		cfg.PruneBatches < 1 || cfg.NetChannels < 2 || cfg.NetChannels%2 != 0 {
		return terminal.Usagef("threads, images, batches and (even) channels must be positive")
	}
	if cfg.NetCells < 3 { // of two cells both are reduction cells: no normal cell to export
		return terminal.Usagef("--network-cells must be at least 3, got %d", cfg.NetCells)
	}
	if !(cfg.Xi > 0 && cfg.Xi < 1) {
		return terminal.Usagef("--xi is the fraction of the search space to keep and must lie between 0 and 1, "+
			"got %v", cfg.Xi)
	}
	if err := cfg.pruning(m).Validate(); err != nil {
		return terminal.Usage(err)
	}
	if floor := cfg.leastXi(); m.Mask == method.Algorithm1 && cfg.Xi < floor {
		return terminal.Usagef("--xi %v cannot be reached: with one operation left on every edge %.3g of the %s "+
			"remain", cfg.Xi, floor, cfg.XiMeasure)
	}
	if _, err := prune.ParseKernel(cfg.Kernel); err != nil {
		return terminal.Usage(err)
	}
	if cfg.Ties != tiesFirst && cfg.Ties != tiesLast {
		return terminal.Usagef("unknown --ties %q: use %s or %s", cfg.Ties, tiesFirst, tiesLast)
	}
	rank := cfg.rankNet()
	rank.Classes = 2 // the data set is not known yet
	if err := rank.Validate(); err != nil {
		return terminal.Usagef("ranking network: %w", err)
	}
	if math.IsInf(cfg.Beta, 0) {
		return terminal.Usagef("--beta-reg must be finite, got %v", cfg.Beta)
	}
	s := cfg.search(space.FullMask())
	s.Net.Classes = 2 // the data set is not known yet
	if err := s.Validate(); err != nil {
		return terminal.Usage(err)
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
func (cfg *config) checkInput(m method.Method) error {
	if cfg.MaskFile != "" {
		if m.Source == method.ByScores {
			return terminal.Usagef("method %s derives the genotype from pruning scores: it cannot start from a mask",
				m.Name)
		}
		if _, err := space.ReadMask(cfg.MaskFile); err != nil {
			return err
		}
	}
	if cfg.Pad < 0 || cfg.Pad > cfg.ImageSize {
		return terminal.Usagef("--pad must lie between 0 and the image side, got %d for %d", cfg.Pad,
			cfg.ImageSize)
	}
	if cfg.MaskFile == "" && m.Ranks() && cfg.PruneBatch > cfg.TrainImages {
		return fmt.Errorf("--prune-batch %d is larger than the %d images of %s", cfg.PruneBatch,
			cfg.TrainImages, cfg.DataName)
	}
	return nil
}

// checkHalves refuses a batch that one half of the images cannot fill.
func (cfg *config) checkHalves(m method.Method) error {
	if m.Searches() && cfg.Batch > cfg.TrainImages/2 {
		return fmt.Errorf("--batch %d is larger than half of the %d images of %s: weights and alphas "+
			"train on one half each", cfg.Batch, cfg.TrainImages, cfg.DataName)
	}
	return nil
}
