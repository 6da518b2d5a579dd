package main

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/search/data"
	"zos-ort/search/retrain"
)

func retrainCommand() *cli.Command {
	return &cli.Command{
		Name:  "retrain",
		Usage: "train the network of a genotype from scratch and export it",
		Description: "Writes a run directory with config.json, genotype.json, metrics.csv, timing.csv, state.ckpt " +
			"(weights, momenta and running statistics after the last epoch) and model.onnx, which takes RGB " +
			"images in [0,1].",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "genotype",
				Usage: "genotype `FILE` of a search, or DARTS_V1, DARTS_V2, PC_DARTS_cifar"},
			&cli.StringFlag{Name: "preset", Usage: "quick (default without --data) or paper"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of everything random"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
			&cli.IntFlag{Name: "channels", DefaultText: "by preset", Usage: "channels of the first cells"},
			&cli.IntFlag{Name: "cells", DefaultText: "by preset", Usage: "cells"},
			&cli.IntFlag{Name: "epochs", DefaultText: "by preset", Usage: "epochs"},
			&cli.IntFlag{Name: "batch", DefaultText: "by preset", Usage: "images per step"},
			&cli.Float64Flag{Name: "lr", DefaultText: "by preset", Usage: "learning rate, cosine to 0"},
			&cli.Float64Flag{Name: "drop-path", DefaultText: "by preset", Usage: "drop-path probability at the end"},
			&cli.BoolFlag{Name: "auxiliary", Usage: "auxiliary head (images of 32x32 or more)"},
			&cli.IntFlag{Name: "cutout", DefaultText: "by preset", Usage: "side of the cutout square"},
			profileFlag(),
		}, deviceFlags(), dataFlags(), outputFlags(), []cli.Flag{resumeFlag(), ignoreMemoryFlag()}),
		Before: noArguments,
		Action: retrainAction,
	}
}

// Schema of config.json of a retraining.
const (
	retrainSchema  = "zos-ort/retrain"
	retrainVersion = 1
)

// retrainTest is the number of generated images that a retraining tests on.
const retrainTest = 1000

// retrainSettings is config.json of a retraining.
type retrainSettings struct {
	Schema   string         `json:"schema"`
	Version  int            `json:"version"`
	Program  string         `json:"program"`
	Preset   string         `json:"preset"`
	Genotype space.Genotype `json:"genotype"`
	dataSettings
	Channels  int     `json:"channels"`
	Cells     int     `json:"cells"`
	Auxiliary bool    `json:"auxiliary"`
	Batch     int     `json:"batch"`
	Epochs    int     `json:"epochs"`
	LR        float64 `json:"lr"`
	DropPath  float64 `json:"drop_path"`
	Pad       int     `json:"pad"`
	Cutout    int     `json:"cutout"`
	Seed      uint64  `json:"seed"`
	Threads   int     `json:"threads"`
	deviceSettings

	before *retrainSettings // of the run that is resumed, if one is
}

// resolveRetrain makes the settings of a command line, or reads those of the run to resume, which the
// command line may only repeat.
func resolveRetrain(c *cli.Context) (s retrainSettings, err error) {
	dir, err := resumedRun(c)
	if err != nil {
		return s, err
	}
	if dir != "" {
		before := new(retrainSettings)
		if err = dir.ReadSettings(retrainSchema, retrainVersion, before); err != nil {
			return s, err
		}
		s = *before
		s.before = before
		takeStrings(c, map[string]*string{"preset": &s.Preset})
	} else if err = s.fromPreset(c); err != nil {
		return s, err
	}
	takeInts(c, map[string]*int{"channels": &s.Channels, "cells": &s.Cells, "epochs": &s.Epochs,
		"batch": &s.Batch, "cutout": &s.Cutout, "pad": &s.Pad, "threads": &s.Threads})
	takeFloats(c, map[string]*float64{"lr": &s.LR, "drop-path": &s.DropPath})
	take(c, c.Bool, map[string]*bool{"auxiliary": &s.Auxiliary})
	take(c, c.Uint64, map[string]*uint64{"seed": &s.Seed})
	s.deviceSettings.fromFlags(c)
	if err = s.dataSettings.fromFlags(c); err != nil {
		return s, err
	}
	if name := c.String("genotype"); name != "" {
		s.Genotype, err = findGenotype(name)
	} else if s.before == nil {
		err = terminal.Usagef("--genotype is missing: give a file or a published name")
	}
	if err != nil {
		return s, err
	}
	return s, s.unchanged()
}

// fromPreset starts new settings.
func (s *retrainSettings) fromPreset(c *cli.Context) error {
	p := retrain.Paper()
	*s = retrainSettings{Preset: "paper", Channels: p.Net.Channels, Cells: p.Net.Cells, Auxiliary: true,
		Batch: p.Batch, Epochs: p.Epochs, LR: p.Rate, DropPath: p.DropPath, Pad: 4, Cutout: 16}
	quick, err := usesQuickPreset(c)
	if err != nil {
		return err
	}
	if quick {
		*s = retrainSettings{Preset: "quick", Channels: 8, Cells: 8, Batch: 32, Epochs: 10, LR: .05,
			DropPath: .1, Pad: 2, Cutout: 4, dataSettings: quickImages}
	}
	s.Schema, s.Version, s.Program = retrainSchema, retrainVersion, version
	s.Seed, s.Threads = 1, runtime.NumCPU()
	s.deviceSettings = deviceSettings{Device: onCPU, Precision: fp32}
	return nil
}

// unchanged refuses to resume a run with other settings.
func (s *retrainSettings) unchanged() error {
	if s.before == nil {
		return nil
	}
	return sameSettings(*s.before, *s)
}

// findGenotype takes a published name or a file.
func findGenotype(name string) (space.Genotype, error) {
	if _, err := os.Stat(name); err == nil {
		return space.ReadGenotype(name)
	}
	g, err := space.Named(name)
	if err != nil {
		return g, fmt.Errorf("genotype %q is neither a file nor a known name: %w", name, err)
	}
	return g, nil
}

func (s retrainSettings) config() retrain.Config {
	c := retrain.Paper()
	c.Net.Genotype, c.Net.Channels, c.Net.Cells = s.Genotype, s.Channels, s.Cells
	c.Net.Classes, c.Net.Auxiliary = s.Classes, s.Auxiliary
	c.Batch, c.Epochs, c.Rate, c.DropPath, c.Seed = s.Batch, s.Epochs, s.LR, s.DropPath, s.Seed
	c.Augment = data.Augment{Pad: s.Pad, Flip: true, Cutout: s.Cutout}
	c.Options = ort.Options{Threads: s.Threads, CUDA: s.cuda}
	return c
}

func retrainAction(c *cli.Context) error {
	s, err := resolveRetrain(c)
	if err != nil {
		return err
	}
	p := newConsole(c)
	train, test, err := s.load(c.Context, s.Seed, retrainTest, p)
	if err != nil {
		return err
	}
	if err := s.unchanged(); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	if err := s.deviceSettings.open(p); err != nil {
		return err
	}
	defer s.deviceSettings.close()
	if err := s.guardMemory(c, p); err != nil {
		return err
	}
	dir, unlock, err := openRun(c, s)
	if err != nil {
		return err
	}
	defer unlock()
	if s.Data == "" {
		p.Say("no --data: using the built-in generated images")
	}
	if err := dir.WriteJSON("genotype.json", s.Genotype); err != nil {
		return err
	}
	if c.Bool("profile") {
		if err := s.profileSteps(c.Context, dir, p); err != nil {
			return err
		}
	}
	return dir.Resumable(c.Command.Name, p, runRetrain(c.Context, s, train, test, dir, p))
}

func runRetrain(ctx context.Context, s retrainSettings, train, test *data.Set, dir rundir.Dir,
	p *terminal.Console) error {
	cfg := s.config()
	p.Say("training %d parameters on %s, testing on %s", space.NetworkParams(s.Genotype, s.Channels,
		s.Cells, s.Classes, false), train.Name, test.Name)
	defer p.Stop()
	r, from, err := newRetrainRecorder(dir, s.Epochs, s.gpu, p)
	if err != nil {
		return err
	}
	res, err := retrain.Run(ctx, cfg, train, test, from, r)
	if err != nil {
		return s.explain(err, s.memoryOfTraining())
	}
	if err := r.store.Finish(); err != nil {
		return err
	}
	if err := exportRun(ctx, dir, train, test, p); err != nil {
		return err
	}
	p.Result("test accuracy of the last epoch: %.2f %%", 100*res.Last.TestAcc)
	gpu := s.gpu.Total()
	printPeaks(gpu, p)
	p.Result("written to %s", dir)
	result := map[string]any{"run": dir, "test_accuracy": res.Last.TestAcc,
		"test_loss": res.Last.TestLoss, "peak_rss_bytes": host.PeakRSS(), "train_loss": res.Last.TrainLoss}
	if gpu != nil {
		result["gpu_memory"] = gpu
	}
	return p.Value(result)
}
