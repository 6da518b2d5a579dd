package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/ort"
)

func scalingCommand() *cli.Command {
	return &cli.Command{
		Name:  "scaling",
		Usage: "measure how the steps of a search grow with batch, cells, channels and operations",
		Description: "Measures the weight step, the alpha step, the creation of their sessions and the predicted " +
			"memory at several sizes, one dimension at a time, and fits the exponents. Writes scaling.csv and a " +
			"chart per dimension.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dimensions", Value: "all", Usage: "batch, cells, channels, operations: some, " +
				"separated by commas, or all"},
			&cli.StringFlag{Name: "method", Value: "darts", Usage: "method whose supernet grows"},
			&cli.IntFlag{Name: "batch", Value: 16, Usage: "images per step, where something else grows"},
			&cli.IntFlag{Name: "channels", Value: 16, Usage: "channels of the first supernet cells, likewise"},
			&cli.IntFlag{Name: "cells", Value: 8, Usage: "cells of the supernet, likewise"},
			&cli.IntFlag{Name: "image-size", Value: 32, Usage: "side of the images"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
			&cli.Float64Flag{Name: "minutes", Value: 6, Usage: "time for everything, roughly"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to create (default: runs/scaling/TIME)"},
			&cli.BoolFlag{Name: "json", Usage: "print the result as JSON, nothing else"},
			&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
		},
		Before: noArguments,
		Action: scalingAction,
	}
}

func scalingAction(c *cli.Context) error {
	base, list, err := scalingFlags(c)
	if err != nil {
		return err
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	dir, err := rundir.Create(c.String("out"), "scaling")
	if err != nil {
		return err
	}
	p := newConsole(c)
	minutes := time.Duration(c.Float64("minutes") * float64(time.Minute))
	points, err := measureDimensions(c.Context, p, base, list, minutes)
	if err != nil {
		return err
	}
	return reportScaling(p, base, list, points, dir)
}

// scalingFlags reads the command line: the network that grows, and the dimensions.
func scalingFlags(c *cli.Context) (base benchCase, list []dimension, err error) {
	base = benchCase{threads: c.Int("threads"), mask: evenMask(8),
		cfg: memoryConfig{Batch: c.Int("batch"), Channels: c.Int("channels"), Cells: c.Int("cells"),
			Image: c.Int("image-size"), Passes: passesAll, Xi: .5, Masks: 1}}
	if base.method, err = method.Find(c.String("method")); err != nil {
		return base, nil, terminal.Usage(err)
	}
	if base.threads == 0 {
		base.threads = runtime.NumCPU()
	}
	if m := c.Float64("minutes"); base.threads < 1 || !(m > 0 && m < 1e4) {
		return base, nil, terminal.Usagef("--threads and --minutes must be positive, got %d and %v", base.threads, m)
	}
	if list, err = findDimensions(c.String("dimensions")); err != nil {
		return base, nil, terminal.Usage(err)
	}
	return base, list, base.cfg.check([]method.Method{base.method})
}

func findDimensions(names string) (list []dimension, err error) {
	if names == "all" {
		return dimensions, nil
	}
	var known []string
	for _, d := range dimensions {
		known = append(known, d.name)
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.Index(known, strings.TrimSpace(name))
		if i < 0 {
			return nil, fmt.Errorf("unknown dimension %q: use some of %s", name, strings.Join(known, ", "))
		}
		list = append(list, dimensions[i])
	}
	return list, nil
}

// measureDimensions measures all points, and gives each an equal part of the time that is left.
func measureDimensions(ctx context.Context, p *terminal.Console, base benchCase, list []dimension,
	limit time.Duration) (map[string][]scalingPoint, error) {
	end, left := time.Now().Add(limit), 0
	for _, d := range list {
		left += len(d.values)
	}
	p.Start(left, "scaling")
	defer p.Stop()
	points := map[string][]scalingPoint{}
	for _, d := range list {
		for _, v := range d.values {
			one, err := measurePoint(ctx, base, d, v, time.Until(end)/time.Duration(left))
			if err != nil {
				return nil, err
			}
			points[d.name] = append(points[d.name], one)
			p.Step(fmt.Sprintf("%s %d", d.name, v))
			left--
		}
	}
	return points, nil
}

// reportScaling prints the points and how they grow, and writes the files.
func reportScaling(p *terminal.Console, base benchCase, list []dimension, points map[string][]scalingPoint,
	dir rundir.Dir) error {
	var rows [][]string
	var all []scalingPoint
	var growths []growth
	for _, d := range list {
		for _, one := range points[d.name] {
			all = append(all, one)
			rows = append(rows, []string{one.Dimension, strconv.Itoa(one.Value), terminal.Milliseconds(one.Weight),
				terminal.Milliseconds(one.Alpha), terminal.Milliseconds(one.Create), terminal.MB(one.Memory), strconv.Itoa(one.Nodes)})
		}
		for _, q := range quantities {
			growths = append(growths, growthOf(d, q, points[d.name]))
		}
		if err := drawScaling(d, points[d.name], dir); err != nil {
			return err
		}
	}
	if err := dir.Write("scaling.csv", terminal.CSV(scalingRows(all))); err != nil {
		return err
	}
	p.Result("%s, %d channels, %d cells, %dx%d images, where nothing else grows", base, base.cfg.Channels,
		base.cfg.Cells, base.cfg.Image, base.cfg.Image)
	err := p.Table([]string{"dimension", "value", "weight step: ms", "alpha step: ms", "sessions: ms",
		"memory: MB", "nodes"}, rows)
	if err != nil {
		return err
	}
	if err := printGrowth(p, growths); err != nil {
		return err
	}
	p.Result("written to %s", dir)
	return p.Value(map[string]any{"folder": dir, "points": all, "growth": growths})
}

// printGrowth prints the exponents and marks what is worse than linear.
func printGrowth(p *terminal.Console, growths []growth) error {
	var rows [][]string
	for _, g := range growths {
		mark := ""
		if g.worse() {
			mark = "worse than linear"
		}
		rows = append(rows, []string{g.Dimension, g.Quantity, fmt.Sprintf("%.2f", g.Exponent),
			fmt.Sprintf("%.2f from %d", g.Upper, g.From), mark})
	}
	return p.Table([]string{"along", "grows", "exponent", "of the upper half", ""}, rows)
}

// scalingRows is scaling.csv.
func scalingRows(points []scalingPoint) [][]string {
	rows := [][]string{{"dimension", "value", "weight_step_seconds", "alpha_step_seconds",
		"session_seconds", "predicted_peak_bytes", "nodes"}}
	for _, p := range points {
		rows = append(rows, []string{p.Dimension, strconv.Itoa(p.Value), terminal.Number(p.Weight), terminal.Number(p.Alpha),
			terminal.Number(p.Create), strconv.Itoa(p.Memory), strconv.Itoa(p.Nodes)})
	}
	return rows
}
