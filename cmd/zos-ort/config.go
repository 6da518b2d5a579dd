package main

import (
	"context"
	"runtime"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/ort"
	"zos-ort/prune"
	"zos-ort/search"
	"zos-ort/search/data"
)

// Schema of config.json.
const (
	configSchema  = "zos-ort/config"
	configVersion = 1
)

// config is everything that a search depends on, as resolved from preset and flags.
type config struct {
	Schema  string `json:"schema"`
	Version int    `json:"version"`
	Program string `json:"program"` // version of zos-ort
	Command string `json:"command"`

	Method string `json:"method"`
	Preset string `json:"preset"`
	Seed   uint64 `json:"seed"`
	Thread int    `json:"threads"`

	deviceSettings
	dataSettings
	ValidImages int `json:"valid_images"`
	Pad         int `json:"pad"`

	MaskFile     string  `json:"mask_file"`
	Xi           float64 `json:"xi"`
	XiMeasure    string  `json:"xi_measure"`
	KeepNone     bool    `json:"keep_none"`
	PerRound     int     `json:"prune_per_round"`
	Ties         string  `json:"ties"`
	Kernel       string  `json:"kernel"`
	Repeats      int     `json:"repeats"`
	PruneBatch   int     `json:"prune_batch"`
	PruneBatches int     `json:"prune_batches"`
	RankChannels int     `json:"rank_channels"`
	RankCells    int     `json:"rank_cells"`
	RankPartial  int     `json:"rank_partial"`

	Channels int     `json:"channels"`
	Cells    int     `json:"cells"`
	Partial  int     `json:"partial"`
	Batch    int     `json:"batch"`
	Epochs   int     `json:"epochs"`
	Warmup   int     `json:"warmup"`
	LR       float64 `json:"lr"`
	AlphaLR  float64 `json:"alpha_lr"`
	Beta     float64 `json:"beta_reg"`
	Skips    int     `json:"stop_on_skips"` // 0 is off

	NetChannels int `json:"network_channels"`
	NetCells    int `json:"network_cells"`

	dump    string // folder for a model that the runtime refuses; no part of the configuration
	profile bool   // profile the steps first; no part of the configuration
	// recompute changes what the steps need, not what they compute; no part of the configuration
	recompute graphgen.Recompute
	before    *config // of the run that is resumed, if one is

	memory memoryNeed // predicted; see guardMemory
}

// paperPreset is FACTS 5 and 8.4.
func paperPreset() config {
	return config{Preset: "paper", Epochs: 50, Warmup: 15, Batch: 128, Channels: 16, Cells: 8, LR: .1,
		AlphaLR: 6e-4, Pad: 4, Repeats: 3, PruneBatch: 128, PruneBatches: 3, PerRound: 1, Xi: .5,
		XiMeasure: string(prune.Operations), Kernel: string(prune.Correlation), Ties: tiesFirst, Seed: 1,
		deviceSettings: deviceSettings{Device: onCPU, Precision: fp32}, NetChannels: 36, NetCells: 20}
}

// quickPreset is the whole algorithm on few, small images: minutes on two cores.
func quickPreset() config {
	c := paperPreset()
	c.Preset, c.Epochs, c.Warmup, c.Batch, c.Channels, c.Pad = "quick", 12, 4, 32, 8, 2
	c.Repeats, c.PruneBatch, c.PruneBatches = 1, 64, 1
	c.dataSettings = quickImages
	return c
}

const betaSlope = 0.5 // lambda(e) = 0.5 e

// resolveConfig makes the configuration of a command line, or reads that of the run to resume, which
// the command line may only repeat.
func resolveConfig(c *cli.Context) (cfg config, m method.Method, err error) {
	dir, err := resumedRun(c)
	if err != nil {
		return cfg, m, err
	}
	if dir != "" {
		before := new(config)
		if err = dir.ReadSettings(configSchema, configVersion, before); err != nil {
			return cfg, m, err
		}
		cfg = *before
		cfg.before = before
		takeStrings(c, map[string]*string{"method": &cfg.Method, "preset": &cfg.Preset})
	} else if err = cfg.fromPreset(c); err != nil {
		return cfg, m, err
	}
	if m, err = method.Find(cfg.Method); err != nil {
		return cfg, m, terminal.Usage(err)
	}
	if cfg.before == nil {
		cfg.Partial = m.Partial
		if m.Beta {
			cfg.Beta = betaSlope
		}
	}
	cfg.Command = c.Command.Name
	cfg.fromFlags(c)
	if name := c.String("recompute"); name != "" {
		if cfg.recompute, err = graphgen.ParseRecompute(name); err != nil {
			return cfg, m, terminal.Usage(err)
		}
	}
	cfg.completeRank()
	if err = cfg.dataSettings.fromFlags(c); err != nil {
		return cfg, m, err
	}
	if err = cfg.unchanged(); err != nil {
		return cfg, m, err
	}
	return cfg, m, cfg.check(m)
}

// fromPreset starts a new configuration.
func (cfg *config) fromPreset(c *cli.Context) error {
	quick, err := usesQuickPreset(c)
	if err != nil {
		return err
	}
	if *cfg = paperPreset(); quick {
		*cfg = quickPreset()
	}
	cfg.Schema, cfg.Version, cfg.Program = configSchema, configVersion, version
	cfg.Method, cfg.Thread = c.String("method"), runtime.NumCPU()
	return nil
}

// completeRank takes what no flag says of the ranking network from the supernet.
func (cfg *config) completeRank() {
	for rank, own := range map[*int]int{&cfg.RankChannels: cfg.Channels, &cfg.RankCells: cfg.Cells,
		&cfg.RankPartial: cfg.Partial} {
		if *rank == 0 {
			*rank = own
		}
	}
}

// unchanged refuses to resume a run with other settings.
func (cfg *config) unchanged() error {
	if cfg.before == nil {
		return nil
	}
	return sameSettings(*cfg.before, *cfg)
}

// fromFlags overrides the configuration with the flags that were given.
func (cfg *config) fromFlags(c *cli.Context) {
	takeInts(c, map[string]*int{"valid-images": &cfg.ValidImages, "pad": &cfg.Pad, "repeats": &cfg.Repeats,
		"prune-batch": &cfg.PruneBatch, "prune-batches": &cfg.PruneBatches, "channels": &cfg.Channels,
		"cells": &cfg.Cells, "batch": &cfg.Batch, "epochs": &cfg.Epochs, "warmup": &cfg.Warmup,
		"network-channels": &cfg.NetChannels, "network-cells": &cfg.NetCells, "threads": &cfg.Thread,
		"prune-per-round": &cfg.PerRound, "rank-channels": &cfg.RankChannels, "rank-cells": &cfg.RankCells,
		"rank-partial": &cfg.RankPartial, "stop-on-skips": &cfg.Skips})
	takeFloats(c, map[string]*float64{"lr": &cfg.LR, "alpha-lr": &cfg.AlphaLR, "beta-reg": &cfg.Beta,
		"xi": &cfg.Xi})
	takeStrings(c, map[string]*string{"mask": &cfg.MaskFile,
		"xi-measure": &cfg.XiMeasure, "kernel": &cfg.Kernel, "ties": &cfg.Ties, "dump": &cfg.dump})
	cfg.deviceSettings.fromFlags(c)
	take(c, c.Uint64, map[string]*uint64{"seed": &cfg.Seed})
	take(c, c.Bool, map[string]*bool{"keep-none": &cfg.KeepNone, "profile": &cfg.profile})
}

func (cfg *config) pruning(m method.Method) prune.Config {
	return prune.Config{Xi: cfg.Xi, Measure: prune.Measure(cfg.XiMeasure), KeepNone: cfg.KeepNone,
		PerRound: cfg.PerRound, Repeats: cfg.Repeats, ToOne: m.Mask == method.ToOne, LastOfTies: cfg.Ties == tiesLast}
}

func (cfg *config) supernet(mask space.Mask) supernet.Config {
	return supernet.Config{Channels: cfg.Channels, Cells: cfg.Cells, Classes: cfg.Classes, Mask: mask,
		Partial: cfg.Partial, Passes: supernet.AllPasses}
}

// rankNet is the network that pruning ranks: the very supernet, unless flags make it another one.
func (cfg *config) rankNet() supernet.Config {
	net := cfg.supernet(space.FullMask())
	net.Channels, net.Cells, net.Partial = cfg.RankChannels, cfg.RankCells, cfg.RankPartial
	return net
}

func (cfg *config) search(mask space.Mask) search.Config {
	return search.Config{Net: cfg.supernet(mask), Batch: cfg.Batch, Epochs: cfg.Epochs,
		Warmup: cfg.Warmup, Rate: cfg.LR, Alpha: cfg.AlphaLR, Beta: cfg.Beta, StopOnSkips: cfg.Skips,
		Augment: data.Augment{Pad: cfg.Pad, Flip: true}, Valid: cfg.ValidImages, Seed: cfg.Seed,
		Options:   ort.Options{Threads: cfg.Thread, Dump: cfg.dump, CUDA: cfg.cuda},
		Recompute: cfg.recompute}
}

// loadData reads the training images and completes the configuration with what they are.
func (cfg *config) loadData(ctx context.Context, p *terminal.Console) (*data.Set, error) {
	train, _, err := cfg.load(ctx, cfg.Seed, 0, p)
	if err == nil {
		err = cfg.unchanged()
	}
	return train, err
}
