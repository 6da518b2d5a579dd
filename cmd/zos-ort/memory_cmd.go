package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

func memoryCommand() *cli.Command {
	return &cli.Command{
		Name:      "memory",
		Usage:     "predict the memory of a search, or of ONNX files",
		ArgsUsage: "[FILE.onnx ...]",
		Description: "Without files: a table of the predicted peaks of the search methods, beside the ratios " +
			"of the paper. With files: the peaks of the files, as an independent reader sees them. Flags " +
			"come before files.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "methods", Value: "all", Usage: "methods, separated by commas, or all"},
			&cli.IntFlag{Name: "batch", Value: 128, Usage: "images per step; of files whose batch " +
				"is open: images at a time (default: 1)"},
			&cli.IntFlag{Name: "channels", Value: 16, Usage: "channels of the first supernet cells"},
			&cli.IntFlag{Name: "cells", Value: 8, Usage: "cells of the supernet"},
			&cli.IntFlag{Name: "image-size", Value: 32, Usage: "side of the images"},
			&cli.StringFlag{Name: "passes", Value: passesAll, Usage: "rewrites that save memory: all, none or a " +
				"list of share (equal operations), pools (per state), mix (weights in batch norms),\n" +
				"shuffle (once per node), reduce (in one convolution), indices (in one byte), kernels (our own),\n" +
				"recompute (cheap values, in the backward pass)"},
			recomputeFlag(),
			&cli.Float64Flag{Name: "xi", Value: .5, Usage: "fraction of the operations that masks keep"},
			&cli.IntFlag{Name: "masks", Value: 3, Usage: "random masks to average over"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of the masks"},
			&cli.StringFlag{Name: "fit", Usage: "find the largest batch for `SIZE`, such as 8GB or 512MB"},
			&cli.BoolFlag{Name: "measure", Usage: "run the programs once and compare with the arena, on a GPU with " +
				"the memory pool and the device"},
			&cli.StringFlag{Name: "device", Value: onCPU,
				Usage: "device of the programs: cpu, cuda, cuda:N or auto; a GPU is needed for --measure alone"},
			&cli.StringFlag{Name: "precision", Value: fp32,
				Usage: "fp32, or with --device cuda bf16: activations in half the memory"},
			&cli.BoolFlag{Name: "measure-time", Usage: "time the steps instead, beside the times of the paper"},
			&cli.BoolFlag{Name: "passes-table", Usage: "what each pass, or each of --passes, does to the steps: peak and, " +
				"with --measure, time, before and after"},
			&cli.IntFlag{Name: "threads", Usage: "threads of --measure and --measure-time (default: all cores)"},
			&cli.StringFlag{Name: "retrain", Usage: "the retraining of `GENOTYPE`, a file or a published name, " +
				"instead: 36 channels, 20 cells if not told otherwise"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to create with charts of the live bytes"},
			&cli.BoolFlag{Name: "json", Usage: "print the result as JSON, nothing else"},
			&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
		},
		Action: memoryAction,
	}
}

func memoryAction(c *cli.Context) error {
	if c.NArg() > 0 {
		batch := 1
		if c.IsSet("batch") {
			batch = c.Int("batch")
		}
		if batch < 1 {
			return terminal.Usagef("--batch must be at least 1, got %d", batch)
		}
		for _, name := range c.LocalFlagNames() {
			if !slices.Contains([]string{"batch", "json", "quiet"}, name) {
				return terminal.Usagef("--%s does not go with files; --batch does", name)
			}
		}
		return compareFiles(newConsole(c), c.Args().Slice(), batch)
	}
	p := newConsole(c)
	device := deviceSettings{Device: c.String("device"), Precision: c.String("precision")}
	defer device.close()
	if c.IsSet("retrain") {
		return memoryOfRetraining(c, &device, p)
	}
	if err := memoryModes(c); err != nil {
		return err
	}
	cfg, list, err := memoryFlags(c)
	if err != nil {
		return err
	}
	if cfg.cuda, err = device.plan(c.Bool("measure"), p); err != nil {
		return err
	}
	if cfg.cuda {
		cfg.Precision = device.Precision
	}
	if c.IsSet("fit") {
		limit, err := terminal.ParseSize(c.String("fit"))
		if err != nil {
			return terminal.Usage(err)
		}
		return fitBatches(p, cfg, list, limit)
	}
	if c.Bool("measure-time") {
		if c.String("device") != onCPU {
			return terminal.Usagef("--measure-time is for --device cpu")
		}
		return measureTimes(c.Context, p, cfg, list, ort.Options{Threads: c.Int("threads")})
	}
	if c.Bool("passes-table") {
		return passEffects(c.Context, p, cfg, list, c.Bool("measure"), ort.Options{Threads: c.Int("threads")})
	}
	var rows []prediction
	p.Start(len(list), "planning")
	defer p.Stop()
	for _, m := range list {
		if err := c.Context.Err(); err != nil {
			return err
		}
		row, err := cfg.predict(m)
		if err != nil {
			return err
		}
		rows = append(rows, row)
		p.Step(m.Name)
	}
	p.Stop()
	if c.String("out") != "" {
		if err := drawPlans(c.String("out"), rows); err != nil {
			return err
		}
		p.Say("charts are in %s", c.String("out"))
	}
	if c.Bool("measure") {
		return measureRows(c.Context, p, cfg, rows, meter.Bench{Options: ort.Options{Threads: c.Int("threads"),
			CUDA: device.cuda}, GPU: device.gpu})
	}
	return predictionTable(p, cfg, rows)
}

// memoryModes refuses flags that the mode which is asked for would ignore.
func memoryModes(c *cli.Context) error {
	network := []string{"methods", "channels", "cells", "image-size", "xi", "seed"}
	for _, mode := range []struct {
		flag string
		with []string
	}{
		{"fit", []string{"passes", "recompute", "device"}},
		{"measure-time", []string{"batch", "passes", "recompute", "device", "threads"}},
		{"passes-table", []string{"batch", "passes", "measure", "threads"}},
	} {
		if c.IsSet(mode.flag) {
			return goesWith(c, mode.flag, append(network, mode.with...)...)
		}
	}
	return nil
}

// memoryFlags reads the command line.
func memoryFlags(c *cli.Context) (memoryConfig, []method.Method, error) {
	cfg := memoryConfig{Batch: c.Int("batch"), Channels: c.Int("channels"), Cells: c.Int("cells"),
		Image: c.Int("image-size"), Passes: c.String("passes"), Xi: c.Float64("xi"),
		Masks: c.Int("masks"), Seed: c.Uint64("seed")}
	takeStrings(c, map[string]*string{"recompute": &cfg.Recompute})
	list, err := method.Parse(c.String("methods"))
	if err != nil {
		return cfg, nil, terminal.Usage(err)
	}
	if n := c.Int("threads"); n < 0 {
		return cfg, nil, terminal.Usagef("--threads must be at least 0, got %d", n)
	}
	return cfg, list, cfg.check(list)
}

// check refuses what no network can be made of.
func (cfg memoryConfig) check(list []method.Method) error {
	switch {
	case cfg.checkPasses() != nil:
		return cfg.checkPasses()
	case cfg.Batch < 1 || cfg.Masks < 1:
		return terminal.Usagef("--batch and --masks must be at least 1, got %d and %d", cfg.Batch, cfg.Masks)
	case cfg.Image < 4 || cfg.Image%4 != 0:
		return terminal.Usagef("--image-size must be a multiple of 4, got %d", cfg.Image)
	case !(cfg.Xi > 0 && cfg.Xi < 1):
		return terminal.Usagef("--xi must lie between 0 and 1, got %v", cfg.Xi)
	}
	for _, m := range list {
		net := cfg.spec(m, cfg.masksOf(m)[0])
		if _, err := net.Evaluate(); err != nil {
			return terminal.Usage(err)
		}
	}
	return nil
}

// fitBatches prints the largest batch of every method.
func fitBatches(p *terminal.Console, cfg memoryConfig, list []method.Method, limit int) error {
	type fit struct {
		Method string `json:"method"`
		Batch  int    `json:"largest_batch"`
	}
	var rows []fit
	var cells [][]string
	for _, m := range list {
		batch, err := cfg.largestBatch(m, limit)
		if err != nil {
			return err
		}
		rows = append(rows, fit{m.Name, batch})
		cells = append(cells, []string{m.Name, fmt.Sprint(batch)})
	}
	header := []string{"method", "largest batch in " + terminal.MB(limit) + " MB"}
	if err := p.Table(header, cells); err != nil {
		return err
	}
	return p.Value(map[string]any{"limit_bytes": limit, "config": cfg, "rows": rows})
}
