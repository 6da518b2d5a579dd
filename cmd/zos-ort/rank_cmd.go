package main

import (
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/archs"
	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/rank"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
	"zos-ort/prune/proxy"
)

// rankerUsage lists the proxies.
func rankerUsage() string {
	about := "all, or zero-cost proxies with commas:"
	for _, p := range proxy.All {
		about += "\n  " + p.Name + " (" + p.Needs.String() + "): " + p.About + " [" + p.Source + "]"
	}
	return about
}

func rankCommand() *cli.Command {
	return &cli.Command{
		Name:  "rank",
		Usage: "score given architectures without training, and compare with their accuracies",
		Description: "The file has the columns normal and reduce, eight genes OPERATION:SOURCE each, and others with " +
			"figures. Every ranker scores the untrained network of every architecture; the table shows how the scores " +
			"correlate with the accuracies, overall and in the best fifth, how well repeats agree, and the correlation " +
			"with the file's own column of the ranker's name, where it has one.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "space", Value: "darts", Usage: "search space of the architectures: darts"},
			&cli.StringFlag{Name: "architectures", Usage: "CSV `FILE` of architectures"},
			&cli.StringFlag{Name: "column", Usage: "column with the accuracies", DefaultText: "the only one so called"},
			&cli.StringFlag{Name: "rankers", Value: "all", Usage: rankerUsage()},
			&cli.BoolFlag{Name: "forward-only", Usage: "no ranker that needs a backward pass"},
			&cli.IntFlag{Name: "sample", Usage: "score `N` random architectures of the file", DefaultText: "all"},
			&cli.IntFlag{Name: "repeats", Value: 2, Usage: "initialisations and images over which scores are averaged"},
			&cli.IntFlag{Name: "batch", Value: 32, Usage: "images per batch"},
			&cli.IntFlag{Name: "batches", Value: 2, Usage: "batches for nngp and zico; others look at the first"},
			&cli.IntFlag{Name: "channels", Value: 16, Usage: "channels of the first cells"},
			&cli.IntFlag{Name: "cells", Value: 8, Usage: "cells"},
			&cli.BoolFlag{Name: "pool-norm", Usage: "normalise after pools, as NASLib does and DARTS does not"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of everything random"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "architectures at a time"},
			&cli.StringFlag{Name: "out", Usage: "also write rank.json and scores.csv into the new `DIR`"}},
			settings.ImageOptions.Flags("", settings.Quick()), settings.Report()),
		Before: noArguments,
		Action: rankAction,
	}
}

func rankAction(c *cli.Context) error {
	s, f, truth, err := rankSettings(c)
	if err != nil {
		return err
	}
	p := newConsole(c)
	train, _, err := images.Load(c.Context, &s.Experiment.Images, s.Experiment.Seed, 0, p)
	if err != nil {
		return err
	}
	if n := s.Experiment.Ranking.Batch; n > train.Len() {
		return terminal.Usagef("--batch %d is larger than the %d images of %s", n, train.Len(), train.Name)
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	r, err := s.Run(c.Context, f, truth, train, p)
	if err != nil {
		return err
	}
	return deliver(c, r, p)
}

// rankSettings reads the command line and the file; truth is nil if the file has no accuracies.
func rankSettings(c *cli.Context) (s *rank.Settings, f *archs.File, truth []float64, err error) {
	if c.String("space") != "darts" {
		return nil, nil, nil, terminal.Usagef("unknown --space %q: use darts", c.String("space"))
	}
	if !c.IsSet("architectures") {
		return nil, nil, nil, terminal.Usagef("rank needs --architectures FILE")
	}
	most := proxy.Gradient
	if c.Bool("forward-only") {
		most = proxy.Forward
	}
	list, err := proxy.Parse(c.String("rankers"), most)
	if err != nil {
		return nil, nil, nil, terminal.Usage(err)
	}
	s = &rank.Settings{Architectures: c.String("architectures"), Column: c.String("column"), Sample: c.Int("sample"),
		PoolNorm: c.Bool("pool-norm")}
	s.Use(list)
	e := settings.Quick()
	settings.ImageOptions.Apply(c, "", &e)
	e.Command, e.Seed = "rank", c.Uint64("seed")
	e.Network = settings.Network{Channels: c.Int("channels"), Cells: c.Int("cells"), Partial: 1}
	e.Ranking = settings.Ranking{Repeats: c.Int("repeats"), Batch: c.Int("batch"), Batches: c.Int("batches")}
	if e.Device.Threads, err = settings.Threads(c, newConsole(c)); err != nil {
		return nil, nil, nil, err
	}
	e.Images.Complete(c.IsSet("image-size"))
	s.Experiment = e
	if err = s.Check(); err == nil {
		err = e.Images.Check()
	}
	if err != nil {
		return nil, nil, nil, err
	}
	if f, err = archs.Read(s.Architectures); err != nil {
		return nil, nil, nil, err
	}
	if s.Column == "" {
		s.Column, _ = f.Accuracy() // without one there is nothing to compare with
	}
	if s.Column != "" {
		truth, err = f.Column(s.Column)
	}
	return s, f, truth, err
}
