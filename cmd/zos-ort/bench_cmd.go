package main

import (
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "time the steps of a search on this machine, beside PyTorch where there is one",
		Description: "Times the weight step, the alpha step and the ranking pass of the supernets. When a Python " +
			"with PyTorch is found, it makes the same steps of the same networks, by turns with ours; on a GPU " +
			"one after the other, with the peaks of both in its memory.",
		Flags: append(deviceFlags(),
			&cli.StringFlag{Name: "methods", Value: "darts,pc-darts,zos",
				Usage: "methods, separated by commas, or all"},
			&cli.IntSliceFlag{Name: "batch", Usage: "images per step (default: 16, 64; on a GPU 64, 128)"},
			&cli.IntSliceFlag{Name: "threads", Usage: "threads on the CPU (default: all cores, 1)"},
			&cli.IntFlag{Name: "channels", Value: 16, Usage: "channels of the first supernet cells"},
			&cli.IntFlag{Name: "cells", Value: 8, Usage: "cells of the supernet"},
			&cli.IntFlag{Name: "image-size", Value: 32, Usage: "side of the images"},
			&cli.StringFlag{Name: "mask", Usage: "mask `FILE` for zos and the random methods (default: a " +
				"random mask that keeps as much)"},
			&cli.Float64Flag{Name: "xi", Value: .5, Usage: "fraction of the operations that masks keep"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of the masks"},
			&cli.StringFlag{Name: "passes", Value: passesAll, Usage: "rewrites of the graphs, as in zos-ort memory; " +
				passesPortable + " are graphs for any runtime, without our operators"},
			&cli.Float64Flag{Name: "minutes", Value: 12, Usage: "time for everything, roughly"},
			&cli.BoolFlag{Name: "quick", Usage: "the smaller batch alone, on all cores, in about a minute"},
			&cli.StringFlag{Name: "python", Value: "python3", EnvVars: []string{"ZOS_BENCH_PYTHON"},
				Usage: "Python with PyTorch; " + noPeer + " leaves it out"},
			&cli.BoolFlag{Name: "compile", Usage: "also time PyTorch's compiled mode, which takes minutes to make"},
			&cli.BoolFlag{Name: "limits", Usage: "measure what the machine can do at most, and nothing else"},
			&cli.StringFlag{Name: "profile", Usage: "instead of timing whole steps, see where their time goes: " +
				"tables, and in the new `DIR` traces"},
			&cli.BoolFlag{Name: "json", Usage: "print the result as JSON, nothing else"},
			&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
		),
		Before: noArguments,
		Action: benchAction,
	}
}

func benchAction(c *cli.Context) error {
	var device deviceSettings
	if err := benchDevice(c, &device); err != nil {
		return err
	}
	p := newConsole(c)
	if err := device.open(p); err != nil {
		return err
	}
	defer device.close()
	cases, err := benchCases(c, device)
	if err != nil {
		return err
	}
	minutes := c.Float64("minutes")
	if c.Bool("quick") && !c.IsSet("minutes") {
		minutes = 1
	}
	if !(minutes > 0 && minutes < 1e4) {
		return terminal.Usagef("--minutes must be a positive number, got %v", minutes)
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	switch {
	case c.Bool("limits"):
		return benchLimits(p, cases)
	case c.String("profile") != "":
		return benchProfile(c.Context, p, cases, c.String("profile"))
	}
	return benchSides(c, p, device, cases, time.Duration(minutes*float64(time.Minute)))
}

// benchSides times both sides and reports what was timed, even if an error ends it.
func benchSides(c *cli.Context, p *terminal.Console, device deviceSettings, cases []benchCase,
	limit time.Duration) (err error) {
	b := &bencher{device: device, console: p}
	if b.peer, err = findPeer(c, p, device); err != nil {
		return err
	}
	report := benchReport{Program: version, Kernels: kernels.Level()}
	if device.cuda != nil {
		report.Kernels, report.Device, report.Precision = "", device.torch(), device.Precision
	}
	if b.peer != nil {
		defer b.peer.close()
		b.all = peerModes(c.Bool("compile"))
		report.Torch = b.peer.version
		p.Say("PyTorch %s", report.Torch)
	}
	results, failed := b.run(c.Context, cases, limit)
	for _, r := range results {
		report.Rows = append(report.Rows, rowOf(r))
	}
	report.Skipped = append([]string{}, b.skipped...)
	if failed != nil && len(report.Rows) == 0 {
		return failed
	}
	return errors.Join(failed, report.print(p))
}

// benchDevice reads the flags of the device, and refuses those that are for another one.
func benchDevice(c *cli.Context, d *deviceSettings) error {
	d.Device, d.Precision = onCPU, fp32
	d.fromFlags(c)
	if err := d.check(); err != nil {
		return err
	}
	if d.Device == onCPU {
		return nil
	}
	for _, flag := range []string{"threads", "limits", "profile"} {
		if c.IsSet(flag) {
			return terminal.Usagef("--%s is for the CPU: leave it or --device away", flag)
		}
	}
	return nil
}

// findPeer starts the peer. That there is none is an error only when it was asked for.
func findPeer(c *cli.Context, p *terminal.Console, d deviceSettings) (*peer, error) {
	python := c.String("python")
	if python == noPeer {
		return nil, nil
	}
	found, err := startPeer(c.Context, python, d)
	if err == nil || c.IsSet("python") {
		return found, err
	}
	p.Say("PyTorch is left out (%v); --python names a Python that has it", err)
	return nil, nil
}

// benchCases are all combinations of the flags: small batches first, which tell the peer's best
// mode soonest.
func benchCases(c *cli.Context, d deviceSettings) (cases []benchCase, err error) {
	list, err := method.Parse(c.String("methods"))
	if err != nil {
		return nil, terminal.Usage(err)
	}
	cuda := d.cuda != nil
	batches, threads, err := benchSizes(c, cuda)
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
		cfg := memoryConfig{Batch: batch, Channels: c.Int("channels"), Cells: c.Int("cells"),
			Image: c.Int("image-size"), Passes: c.String("passes"), Xi: c.Float64("xi"), Masks: 1,
			Seed: c.Uint64("seed"), Precision: d.Precision, cuda: cuda}
		if err := cfg.check(list); err != nil {
			return nil, err
		}
		for _, n := range threads {
			for _, m := range list {
				mask := cfg.masksOf(m)[0]
				if given != nil && (m.Mask == method.Algorithm1 || m.Mask == method.RandomMask) {
					mask = *given
				}
				cases = append(cases, benchCase{cfg, m, mask, n})
			}
		}
	}
	return cases, nil
}

// benchSizes are the batch sizes and the numbers of threads.
func benchSizes(c *cli.Context, cuda bool) (batches, threads []int, err error) {
	batches, threads = c.IntSlice("batch"), c.IntSlice("threads")
	if len(batches) == 0 && cuda {
		batches = []int{64, 128}
	} else if len(batches) == 0 {
		batches = []int{16, 64}
	}
	if cuda {
		threads = []int{1}
	} else if len(threads) == 0 {
		threads = slices.Compact([]int{runtime.NumCPU(), 1})
	}
	if c.Bool("quick") {
		batches, threads = batches[:1], threads[:1]
	}
	if n := min(slices.Min(batches), slices.Min(threads)); n < 1 {
		err = terminal.Usagef("--batch and --threads must be at least 1, got %d", n)
	}
	return batches, threads, err
}
