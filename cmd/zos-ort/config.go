package main

import (
	"context"
	"runtime"

	"github.com/urfave/cli/v2"

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

	Method string `json:"method"`
	Preset string `json:"preset"`
	Seed   uint64 `json:"seed"`
	Device string `json:"device"`
	Thread int    `json:"threads"`

	dataSettings
	ValidImages int `json:"valid_images"`
	Pad         int `json:"pad"`

	MaskFile     string  `json:"mask_file"`
	Xi           float64 `json:"xi"`
	XiMeasure    string  `json:"xi_measure"`
	KeepNone     bool    `json:"keep_none"`
	PerRound     int     `json:"prune_per_round"`
	Kernel       string  `json:"kernel"`
	Repeats      int     `json:"repeats"`
	PruneBatch   int     `json:"prune_batch"`
	PruneBatches int     `json:"prune_batches"`

	Channels int     `json:"channels"`
	Cells    int     `json:"cells"`
	Partial  int     `json:"partial"`
	Batch    int     `json:"batch"`
	Epochs   int     `json:"epochs"`
	Warmup   int     `json:"warmup"`
	LR       float64 `json:"lr"`
	AlphaLR  float64 `json:"alpha_lr"`
	Beta     float64 `json:"beta_reg"`

	NetChannels int `json:"network_channels"`
	NetCells    int `json:"network_cells"`

	dump    string // folder for a model that the runtime refuses; no part of the configuration
	profile bool   // profile the steps first; no part of the configuration
}

// paperPreset is FACTS 5 and 8.4.
func paperPreset() config {
	return config{Preset: "paper", Epochs: 50, Warmup: 15, Batch: 128, Channels: 16, Cells: 8, LR: .1,
		AlphaLR: 6e-4, Pad: 4, Repeats: 3, PruneBatch: 128,
		PruneBatches: 3, NetChannels: 36, NetCells: 20}
}

// quickPreset is the whole algorithm on few, small images: minutes on two cores.
func quickPreset() config {
	return config{Preset: "quick", Epochs: 12, Warmup: 4, Batch: 32, Channels: 8, Cells: 8, LR: .1,
		AlphaLR: 6e-4, Pad: 2, Repeats: 1, PruneBatch: 64, PruneBatches: 1, NetChannels: 36, NetCells: 20,
		dataSettings: quickImages}
}

const betaSlope = 0.5 // lambda(e) = 0.5 e

// resolveConfig makes the configuration of a command line.
func resolveConfig(c *cli.Context) (config, method, error) {
	cfg := paperPreset()
	quick, err := usesQuickPreset(c)
	if err != nil {
		return cfg, method{}, err
	}
	if quick {
		cfg = quickPreset()
	}
	m, err := findMethod(c.String("method"))
	if err != nil {
		return cfg, m, usageError{err}
	}
	cfg.Schema, cfg.Version, cfg.Program = configSchema, configVersion, version
	cfg.Method, cfg.Partial = m.name, m.partial
	if m.beta {
		cfg.Beta = betaSlope
	}
	cfg.fromFlags(c)
	if err := cfg.dataSettings.fromFlags(c); err != nil {
		return cfg, m, err
	}
	if cfg.Thread == 0 {
		cfg.Thread = runtime.NumCPU()
	}
	return cfg, m, cfg.check(m)
}

// fromFlags overrides the preset with the flags that were given, and takes the defaults of those
// that no preset sets.
func (cfg *config) fromFlags(c *cli.Context) {
	takeInts(c, map[string]*int{"valid-images": &cfg.ValidImages, "pad": &cfg.Pad, "repeats": &cfg.Repeats,
		"prune-batch": &cfg.PruneBatch, "prune-batches": &cfg.PruneBatches, "channels": &cfg.Channels,
		"cells": &cfg.Cells, "batch": &cfg.Batch, "epochs": &cfg.Epochs, "warmup": &cfg.Warmup,
		"network-channels": &cfg.NetChannels, "network-cells": &cfg.NetCells})
	takeFloats(c, map[string]*float64{"lr": &cfg.LR, "alpha-lr": &cfg.AlphaLR, "beta-reg": &cfg.Beta})
	cfg.Seed, cfg.Device, cfg.Thread = c.Uint64("seed"), c.String("device"), c.Int("threads")
	cfg.MaskFile = c.String("mask")
	cfg.Xi, cfg.XiMeasure, cfg.KeepNone = c.Float64("xi"), c.String("xi-measure"), c.Bool("keep-none")
	cfg.dump, cfg.profile = c.String("dump"), c.Bool("profile")
	cfg.PerRound, cfg.Kernel = c.Int("prune-per-round"), c.String("kernel")
}

func (cfg *config) pruning(m method) prune.Config {
	return prune.Config{Xi: cfg.Xi, Measure: prune.Measure(cfg.XiMeasure), KeepNone: cfg.KeepNone,
		PerRound: cfg.PerRound, Repeats: cfg.Repeats, ToOne: m.mask == toOne}
}

func (cfg *config) supernet(mask space.Mask) supernet.Config {
	return supernet.Config{Channels: cfg.Channels, Cells: cfg.Cells, Classes: cfg.Classes, Mask: mask,
		Partial: cfg.Partial, Passes: supernet.AllPasses}
}

func (cfg *config) search(mask space.Mask) search.Config {
	return search.Config{Net: cfg.supernet(mask), Batch: cfg.Batch, Epochs: cfg.Epochs,
		Warmup: cfg.Warmup, Rate: cfg.LR, Alpha: cfg.AlphaLR, Beta: cfg.Beta,
		Augment: data.Augment{Pad: cfg.Pad, Flip: true}, Valid: cfg.ValidImages, Seed: cfg.Seed,
		Options: ort.Options{Threads: cfg.Thread, Dump: cfg.dump}}
}

// loadData reads the training images and completes the configuration with what they are.
func (cfg *config) loadData(ctx context.Context, p *console) (*data.Set, error) {
	train, _, err := cfg.load(ctx, cfg.Seed, 0, p)
	return train, err
}
