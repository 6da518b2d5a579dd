package main

import (
	"context"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
)

func figure1Command() *cli.Command {
	return &cli.Command{
		Name:  "figure1",
		Usage: "draw architectures with and without random masks and compare their scores",
		Description: "Figure 1 of the paper. With --surrogate the score is the validation accuracy that a " +
			"surrogate of NAS-Bench-301 predicts, such as nb301/model.onnx of YAHPO Gym. With --score nngp it " +
			"is our ranking kernel: the kernel norm of the untrained architecture, evaluated inside the full " +
			"supernet with weight 1 for its operations and 0 for the others, so that one session serves all " +
			"architectures; images as for search --preset quick. A fresh mask for every architecture leaves the distribution as it is, by symmetry; " +
			"--masks shows what single masks do. Writes a run directory with figure1.png, figure1.svg, " +
			"samples.csv, summary.json and, with --masks, the masks.",
		Flags:  join(figureFlags(), surrogateFlags(), nngpFlags(), outputFlags()),
		Before: noArguments,
		Action: figure1Action,
	}
}

func figureFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "score", DefaultText: scoreSurrogate,
			Usage: "what scores architectures: surrogate or nngp"},
		&cli.IntFlag{Name: "samples", DefaultText: "100000, with nngp 200",
			Usage: "architectures with masks, and as many without"},
		&cli.Float64Flag{Name: "xi", Value: .5, Usage: "probability with which a mask keeps an operation"},
		&cli.IntFlag{Name: "masks", DefaultText: "a fresh one for every architecture",
			Usage: "share `K` masks among all architectures"},
		&cli.IntFlag{Name: "bins", Value: 100, Usage: "bins of the histogram"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of everything random"},
		&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
	}
}

// surrogateFlags are those of --score surrogate alone.
func surrogateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "surrogate", Usage: "ONNX `FILE` that predicts accuracies"},
		&cli.IntFlag{Name: "batch", Value: 4096, Usage: "surrogate: architectures per run"},
		&cli.IntFlag{Name: "epoch", Value: lastEpoch, Usage: "surrogate: training epoch to predict, 1 to 98"},
	}
}

// nngpFlags are those of --score nngp alone.
func nngpFlags() []cli.Flag {
	images := slices.DeleteFunc(dataFlags(), func(f cli.Flag) bool {
		return f.Names()[0] == "pad" // nothing is augmented
	})
	return append(images,
		&cli.IntFlag{Name: "channels", Value: 8, Usage: "nngp: channels of the first supernet cells"},
		&cli.IntFlag{Name: "cells", Value: 5, Usage: "nngp: cells of the supernet"},
		&cli.IntFlag{Name: "partial", Value: 1, Usage: "nngp: mix the first 1/`N` of the channels"},
		&cli.StringFlag{Name: "kernel", Value: "correlation", Usage: "nngp: correlation or gram"},
		&cli.IntFlag{Name: "repeats", Value: 1, Usage: "nngp: initialisations averaged over"},
		&cli.IntFlag{Name: "prune-batch", Value: 64, Usage: "nngp: images per batch"},
		&cli.IntFlag{Name: "prune-batches", Value: 1, Usage: "nngp: batches of images"},
		ignoreMemoryFlag())
}

func figure1Action(c *cli.Context) error {
	s, err := figureFlagsOf(c)
	if err != nil {
		return err
	}
	p := newConsole(c)
	open, err := s.scorer(c.Context, c.Bool("ignore-memory"), p)
	if err != nil {
		return err
	}
	dir, unlock, err := openRun(c, s)
	if err != nil {
		return err
	}
	defer unlock()
	return dir.Finish(runFigure1(c.Context, s, open, dir, p))
}

func runFigure1(ctx context.Context, s *figureSettings, open func() (scorer, error), dir rundir.Dir,
	p *terminal.Console) error {
	start := time.Now()
	scorer, err := open()
	if err != nil {
		return err
	}
	defer scorer.close()
	groups, err := s.draw()
	if err != nil {
		return err
	}
	defer p.Stop()
	for i := range groups {
		g := &groups[i]
		p.Start(len(g.archs), "scoring "+g.name)
		if g.scores, err = scorer.scores(ctx, g.archs, func() { p.Step("") }); err != nil {
			return err
		}
		p.Stop()
	}
	res := resultOf(groups)
	res.Run = string(dir)
	if err := s.save(dir, groups, res); err != nil {
		return err
	}
	if err := res.print(p); err != nil {
		return err
	}
	p.Result("%.1f s; written to %s", time.Since(start).Seconds(), dir)
	return p.Value(res)
}
