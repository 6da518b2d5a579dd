package main

import (
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/bench"
	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "time the steps of a search on this machine, beside PyTorch where there is one",
		Description: "Times the weight step, the alpha step and the ranking pass of the supernets. When a Python " +
			"with PyTorch is found, it makes the same steps of the same networks, alternating with ours; on a GPU " +
			"one after the other, with the peaks of both in its memory.",
		Flags: join(settings.DeviceOptions.Flags("", settings.PaperOnCIFAR()), []cli.Flag{
			methodsFlag("darts,pc-darts,zos"),
			&cli.IntSliceFlag{Name: "batch", Usage: "images per step (default: 16, 64; on a GPU 64, 128)"},
			&cli.IntSliceFlag{Name: "threads", Usage: "threads on the CPU (default: all cores, 1)"},
		}, sizeOptions.Values(settings.PaperOnCIFAR()), []cli.Flag{
			&cli.StringFlag{Name: "mask", Usage: "mask `FILE` for zos and the random methods (default: a " +
				"random mask that keeps as much)"},
			settings.PassesFlag(),
			&cli.Float64Flag{Name: "minutes", Value: 20, Usage: "time for everything, roughly"},
			&cli.BoolFlag{Name: "quick", Usage: "the smaller batch alone, on all cores, in about a minute"},
			&cli.StringFlag{Name: "python", Value: "python3", EnvVars: []string{"ZOS_BENCH_PYTHON"},
				Usage: "Python with PyTorch; " + bench.NoPeer + " leaves it out"},
			&cli.BoolFlag{Name: "compile", Usage: "also time PyTorch's compiled mode, which takes minutes to make"},
			&cli.DurationFlag{Name: "compile-limit", Value: 30 * time.Minute, Usage: "with --compile: give up a program that is not " +
				"compiled in this time"},
			&cli.BoolFlag{Name: "limits", Usage: "measure what the machine can do at most, and nothing else"},
			&cli.StringFlag{Name: "profile", Usage: "instead of timing whole steps, see where their time goes: " +
				"tables, and in the new `DIR` traces"},
		}, settings.Report()),
		Before: noArguments,
		Action: benchAction,
	}
}

func benchAction(c *cli.Context) error {
	e, err := plannedExperiment(c)
	if err != nil {
		return err
	}
	if e.Device.Name != settings.CPU {
		for _, flag := range []string{"threads", "limits", "profile"} {
			if c.IsSet(flag) {
				return terminal.Usagef("--%s is for the CPU: leave it or --device away", flag)
			}
		}
	}
	patience := c.Duration("compile-limit")
	switch {
	case c.IsSet("compile-limit") && !c.Bool("compile"):
		return terminal.Usagef("--compile-limit is for --compile")
	case patience <= 0:
		return terminal.Usagef("--compile-limit must be positive, got %v", patience)
	}
	p := newConsole(c)
	d, err := device.Open(&e, p)
	if err != nil {
		return err
	}
	defer d.Close()
	cases, err := benchCases(c, e)
	if err != nil {
		return err
	}
	minutes := c.Float64("minutes")
	if c.Bool("quick") && !c.IsSet("minutes") {
		minutes = 1
	}
	limit, err := timeLimit(minutes)
	if err != nil {
		return err
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	if err := d.OpenArena(); err != nil { // as for a run
		return err
	}
	switch {
	case c.Bool("limits"):
		return bench.Limits(p, cases)
	case c.String("profile") != "":
		return bench.Profile(c.Context, p, cases, d, c.String("profile"))
	}
	return bench.Request{Cases: cases, Device: d, Limit: limit,
		Python: c.String("python"), Needed: c.IsSet("python"), Compile: c.Bool("compile"), Patience: patience}.Run(c.Context, p)
}

// benchCases are all combinations of the flags: small batches first, which tell the peer's best mode
// soonest.
func benchCases(c *cli.Context, e settings.Experiment) (cases []bench.Case, err error) {
	list, err := method.Parse(c.String("methods"))
	if err != nil {
		return nil, terminal.Usage(err)
	}
	batches, threads, err := benchSizes(c, e.Device.GPU)
	if err != nil {
		return nil, err
	}
	var given *space.Mask
	if c.String("mask") != "" {
		m, err := space.ReadMask(c.String("mask"))
		if err != nil {
			return nil, err
		}
		given = &m
	}
	for _, batch := range batches {
		for _, n := range threads {
			if err := host.CheckLimits(n, 0); err != nil {
				return nil, err
			}
			for _, m := range list {
				e := e.With(m).WithBatch(settings.StageSearch, batch)
				e.Device.Threads = n
				mask, err := e.LikelyMask()
				if err == nil {
					err = e.CheckPlanned()
				}
				if err != nil {
					return nil, err
				}
				if given != nil && (m.Mask == method.Algorithm1 || m.Mask == method.RandomMask) {
					mask = *given
				}
				cases = append(cases, bench.Case{Experiment: e, Mask: mask})
			}
		}
	}
	return cases, nil
}

// benchSizes are the batch sizes and the numbers of threads.
func benchSizes(c *cli.Context, gpu bool) (batches, threads []int, err error) {
	batches, threads = c.IntSlice("batch"), c.IntSlice("threads")
	if len(batches) == 0 && gpu {
		batches = []int{64, 128}
	} else if len(batches) == 0 {
		batches = []int{16, 64}
	}
	if gpu {
		threads = []int{1}
	} else if len(threads) == 0 {
		threads = slices.Compact([]int{host.Processors(), 1})
	}
	if c.Bool("quick") {
		batches, threads = batches[:1], threads[:1]
	}
	if n := min(slices.Min(batches), slices.Min(threads)); n < 1 {
		err = terminal.Usagef("--batch and --threads must be at least 1, got %d", n)
	}
	return batches, threads, err
}
