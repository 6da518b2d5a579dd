package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/models/file"

	"zos-ort/cmd/internal/costs"
	"zos-ort/cmd/internal/deploy"
	"zos-ort/cmd/internal/latency"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/ort"
)

func costsCommand() *cli.Command {
	return &cli.Command{
		Name:  "costs",
		Usage: "say what the networks of a space cost, or measure what they take on this machine",
		Description: "Counts weights and multiply-accumulates of every operation at every place of the derived network, and of " +
			"the smallest and the largest network. --measure runs every operation at every place, and random networks, as " +
			"zos-ort export deploys them; the table that --out writes is what --max-latency of a search takes as --costs.",
		Flags: join(settings.SupernetOptions.Only("space").Flags("", settings.Experiment{}), []cli.Flag{
			&cli.IntFlag{Name: "channels", DefaultText: "by space", Usage: "channels of the first cells of the network"},
			&cli.IntFlag{Name: "cells", DefaultText: "by space", Usage: "cells of the network"},
			&cli.IntFlag{Name: "image-size", Value: 32, Usage: "side of the images"},
			&cli.IntFlag{Name: "classes", Value: 10, Usage: "classes"},
			&cli.BoolFlag{Name: "measure", Usage: "measure latencies on this machine"},
			&cli.IntFlag{Name: "batch", Value: 1, Usage: "images at a time, with --measure"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads, with --measure"},
			&cli.StringFlag{Name: "precision", Value: costs.FP32, Usage: strings.Join(costs.Precisions, " or ") + ", with --measure"},
			&cli.IntFlag{Name: "check", Value: 20, Usage: "random networks on which the prediction is tested, with --measure"},
			&cli.IntFlag{Name: "rounds", Value: 5, Usage: "how often every network is opened and timed, with --measure"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of the random networks, with --measure"},
			&cli.StringFlag{Name: "out", Usage: "`FILE` for the measured table"},
			&cli.BoolFlag{Name: "force", Usage: "replace a file that exists"},
		}, settings.Report()),
		Before: noArguments,
		Action: costsAction,
	}
}

func costsAction(c *cli.Context) error {
	p := newConsole(c)
	s, err := costsSetting(c, p)
	if err != nil {
		return err
	}
	if !c.Bool("measure") {
		if err := onlyWith(c, "measure", "batch", "threads", "precision", "check", "rounds", "seed", "out", "force"); err != nil {
			return err
		}
		return costs.Count(s).Print(p)
	}
	r := latency.Request{Setting: s, Seed: c.Uint64("seed"), Rounds: c.Int("rounds"), Check: c.Int("check")}
	if r.Rounds < 1 || r.Check < 0 {
		return terminal.Usagef("--rounds must be at least 1 and --check at least 0, got %d and %d", r.Rounds, r.Check)
	}
	out := c.String("out")
	if out != "" {
		if err := deploy.MayWrite(out, []string{costs.FP32}, c.Bool("force")); err != nil {
			return err
		}
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	t, err := r.Measure(c.Context, p)
	if err != nil {
		return err
	}
	if out != "" {
		text, err := t.Text()
		if err == nil {
			err = file.Write(out, text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("save %s: %w", out, err)
		}
		p.Say("written to %s", out)
	}
	return t.Print(p)
}

// costsSetting reads the flags that say which networks are meant.
func costsSetting(c *cli.Context, p *terminal.Console) (s costs.Setting, err error) {
	s = costs.Setting{Space: *c.Generic("space").(*space.Ref), Channels: c.Int("channels"), Cells: c.Int("cells"),
		Image: c.Int("image-size"), Classes: c.Int("classes"), Batch: c.Int("batch"), Threads: 1, Precision: c.String("precision")}
	size := s.Space.Of().Skeleton().Retrain
	if !c.IsSet("channels") {
		s.Channels = size.Channels
	}
	if !c.IsSet("cells") {
		s.Cells = size.Cells
	}
	if c.IsSet("threads") && c.Int("threads") < 1 {
		return s, terminal.Usagef("--threads must be at least 1, got %d", c.Int("threads"))
	}
	if c.Bool("measure") {
		if s.Threads, err = settings.Threads(c, p); err != nil {
			return s, err
		}
	}
	if err := s.Check(); err != nil {
		return s, terminal.Usage(err)
	}
	return s, nil
}
