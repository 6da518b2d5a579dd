package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/bench"
	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
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
		Flags: join([]cli.Flag{methodsFlag("all"),
			&cli.IntFlag{Name: "batch", Value: 128, Usage: "images per step; of files whose batch " +
				"is open: images at a time (default: what the file says, or 1)"},
		}, sizeOptions.Values(settings.PaperOnCIFAR()), []cli.Flag{
			settings.PassesFlag(),
			&cli.IntFlag{Name: "masks", Value: 3, Usage: "random masks to average over"},
			&cli.StringFlag{Name: "fit", Usage: "find the largest batch for `SIZE`, such as 8GB or 512MB"},
			&cli.BoolFlag{Name: "measure", Usage: "run the programs once and compare with the arena, on a GPU with " +
				"the memory pool and the device"},
			&cli.BoolFlag{Name: "measure-time", Usage: "time the steps instead, beside the times of the paper"},
			&cli.BoolFlag{Name: "passes-table", Usage: "what each pass, or each of --passes, does to the steps: peak and, " +
				"with --measure, time, before and after"},
			&cli.IntFlag{Name: "threads", Usage: "threads of --measure and --measure-time", DefaultText: "all cores"},
			&cli.StringFlag{Name: "retrain", Usage: "the retraining of `GENOTYPE`, a file or a published name, " +
				"instead: 36 channels, 20 cells if not told otherwise"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to create with charts of the live bytes"},
		}, settings.Join(settings.DeviceOptions.Only("device", "precision", "gpu-kernels", "cuda-graphs"), settings.RecomputeOptions).
			Flags("", settings.PaperOnCIFAR()), settings.Report()),
		Action: memoryAction,
	}
}

func memoryAction(c *cli.Context) error {
	if c.NArg() > 0 {
		return memoryOfFiles(c)
	}
	if err := memoryModes(c); err != nil {
		return err
	}
	threads, err := settings.Threads(c, newConsole(c))
	if err != nil {
		return err
	}
	p := newConsole(c)
	if c.IsSet("retrain") {
		return memoryOfRetraining(c, threads, p)
	}
	e, list, err := memoryFlags(c)
	if err != nil {
		return err
	}
	e.Device.Threads = threads
	d, err := device.Plan(&e, c.Bool("measure"), p)
	if err != nil {
		return err
	}
	defer d.Close()
	switch {
	case c.IsSet("fit"):
		return fitBatches(p, e, list, c.String("fit"))
	case c.Bool("measure-time"):
		return bench.Ratios(c.Context, p, e, list, ort.Options{Threads: threads})
	case c.Bool("passes-table"):
		return bench.Effects(c.Context, p, e, list, c.Bool("measure"), ort.Options{Threads: threads})
	}
	rows, err := predictions(c, p, e, list)
	if err != nil {
		return err
	}
	if c.Bool("measure") {
		return measureRows(c.Context, p, e, rows, meter.Bench{Options: d.Options(e), GPU: d.Meter})
	}
	return predictionTable(p, e, rows)
}

// memoryOfFiles compares ONNX files.
func memoryOfFiles(c *cli.Context) error {
	batch := 0 // what the file says
	if c.IsSet("batch") {
		if batch = c.Int("batch"); batch < 1 {
			return terminal.Usagef("--batch must be at least 1, got %d", batch)
		}
	}
	for _, name := range c.LocalFlagNames() {
		if !slices.Contains([]string{"batch", "json", "quiet"}, name) {
			return terminal.Usagef("--%s does not go with files; --batch does", name)
		}
	}
	return compareFiles(newConsole(c), c.Args().Slice(), batch)
}

// memoryModes refuses flags that the mode which is asked for would ignore.
func memoryModes(c *cli.Context) error {
	network := slices.Clip(append([]string{"methods"}, sizeOptions.Names()...))
	for _, mode := range []struct {
		flag string
		with []string
	}{
		{"retrain", []string{"batch", "channels", "cells", "image-size", "measure", "threads", "device",
			"precision", "gpu-kernels"}},
		{"fit", append(network, "passes", "recompute", "device", "precision", "gpu-kernels", "cuda-graphs")},
		{"measure-time", append(network, "batch", "passes", "recompute", "device", "threads")},
		{"passes-table", append(network, "batch", "passes", "measure", "threads")},
	} {
		if !c.IsSet(mode.flag) {
			continue
		}
		if mode.flag == "measure-time" && c.String("device") != settings.CPU {
			return terminal.Usagef("--measure-time is for --device cpu")
		}
		return goesWith(c, mode.flag, mode.with...)
	}
	return nil
}

// memoryFlags reads the command line.
func memoryFlags(c *cli.Context) (e settings.Experiment, list []method.Method, err error) {
	if e, err = plannedExperiment(c); err != nil {
		return e, nil, err
	}
	if list, err = method.Parse(c.String("methods")); err != nil {
		return e, nil, terminal.Usage(err)
	}
	if c.Int("batch") < 1 || c.Int("masks") < 1 {
		return e, nil, terminal.Usagef("--batch and --masks must be at least 1, got %d and %d", c.Int("batch"),
			c.Int("masks"))
	}
	e = e.WithBatch(settings.StageSearch, c.Int("batch")).WithBatch(settings.StagePruning, c.Int("batch"))
	for _, m := range list {
		if err := e.With(m).CheckPlanned(); err != nil {
			return e, nil, err
		}
	}
	return e, list, nil
}

// predictions plans the programs of all methods and draws them.
func predictions(c *cli.Context, p *terminal.Console, e settings.Experiment,
	list []method.Method) (rows []memory.Prediction, err error) {
	p.Start(len(list), "planning")
	defer p.Stop()
	for _, m := range list {
		if err := c.Context.Err(); err != nil {
			return nil, err
		}
		row, err := memory.Predict(e.With(m), c.Int("masks"))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		p.Step(m.Name)
	}
	p.Stop()
	if c.String("out") != "" {
		if err := memory.Draw(c.String("out"), rows); err != nil {
			return nil, err
		}
		p.Say("charts are in %s", c.String("out"))
	}
	return rows, nil
}

// fitBatches prints the largest batch of every method within a size.
func fitBatches(p *terminal.Console, e settings.Experiment, list []method.Method, size string) error {
	type fit struct {
		Method string `json:"method"`
		Batch  int    `json:"largest_batch"`
		Lean   int    `json:"largest_batch_recompute_max"`
	}
	limit, err := terminal.ParseSize(size)
	if err != nil {
		return terminal.Usage(err)
	}
	var rows []fit
	var cells [][]string
	for _, m := range list {
		batch, err := memory.LargestBatchOf(e.With(m), limit)
		if err != nil {
			return err
		}
		lean, err := memory.LargestBatchOf(memory.Leanest(e.With(m)), limit)
		if err != nil {
			return err
		}
		rows = append(rows, fit{m.Name, batch, lean})
		cells = append(cells, []string{m.Name, fmt.Sprint(batch), fmt.Sprint(lean)})
	}
	header := []string{"method", "largest batch in " + terminal.MB(limit) + " MB", "with --recompute max"}
	if err := p.Table(header, cells); err != nil {
		return err
	}
	return p.Value(map[string]any{"limit_bytes": limit, "config": e, "rows": rows})
}
