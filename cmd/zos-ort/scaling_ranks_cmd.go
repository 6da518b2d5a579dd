package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/dataparallel"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
	"zos-ort/ort"
)

// asRank makes a process of scaling one of the ranks that are measured.
const asRank = "as-rank"

// mostRanks are so many that nobody means them.
const mostRanks = 1 << 16

func scalingRanksFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntSliceFlag{Name: "ranks", Usage: "measure on these numbers of ranks, such as 1,2,4, in place of the dimensions; " +
			"--method is a list then (default: darts,zos)", DefaultText: "off"},
		&cli.StringFlag{Name: "launcher", Value: dataparallel.Here, Usage: "with --ranks: what starts them, with the number of ranks to follow"},
		&cli.Float64SliceFlag{Name: "networks", Value: cli.NewFloat64Slice(10, 100), Usage: "with --ranks: bandwidths of networks " +
			"for which 8 to 256 ranks are predicted, in Gb/s"},
		&cli.DurationFlag{Name: "latency", Value: 20 * time.Microsecond, Usage: "with --ranks: of a message on these networks"},
		&cli.DurationFlag{Name: "step", DefaultText: "as measured here", Usage: "with --ranks: predict for machines on which a weight " +
			"step and an alpha step take so long together"},
		&cli.BoolFlag{Name: asRank, Usage: "be one of the ranks that are measured", Hidden: true},
		&cli.StringFlag{Name: "mpi", Value: settings.MPIAuto, Usage: "as in search", Hidden: true},
	}
}

// scalingRanks measures and predicts the steps on several ranks.
func scalingRanks(c *cli.Context) error {
	if err := goesWith(c, "ranks", slices.Concat([]string{"method", "batch", "threads", "minutes", "out", "launcher", "networks",
		"latency", "step"}, sizeOptions.Names())...); err != nil {
		return err
	}
	names := "darts,zos"
	if c.IsSet("method") {
		names = c.String("method")
	}
	list, err := method.Parse(names)
	if err != nil {
		return terminal.Usage(err)
	}
	r, err := scalingRequest(c)
	if err != nil {
		return err
	}
	limit, err := timeLimit(c.Float64("minutes"))
	if err != nil {
		return err
	}
	for _, m := range list {
		if _, err := scalingExperiment(c, m); err != nil {
			return err
		}
		r.Methods = append(r.Methods, m.Name)
	}
	if r.Launcher, err = dataparallel.FindLauncher(c.String("launcher")); err != nil {
		return err
	}
	share := limit.Minutes() / float64(len(list)*len(r.Ranks))
	r.Arguments = func(method string) []string {
		args := []string{"scaling", "--" + asRank, "--method=" + method, "--batch=" + strconv.Itoa(r.Batch),
			"--threads=" + strconv.Itoa(r.Threads), "--minutes=" + terminal.Number(share)}
		for _, name := range sizeOptions.Names() {
			if c.IsSet(name) {
				args = append(args, fmt.Sprintf("--%s=%v", name, c.Value(name)))
			}
		}
		return args
	}
	dir, err := rundir.Create(c.String("out"), "scaling")
	if err != nil {
		return err
	}
	return dir.Finish(r.Run(c.Context, newConsole(c), dir))
}

// scalingRequest reads what --ranks and its companions say.
func scalingRequest(c *cli.Context) (r dataparallel.Request, err error) {
	r = dataparallel.Request{Ranks: c.IntSlice("ranks"), Batch: c.Int("batch"), Step: c.Duration("step").Seconds()}
	if r.Threads, err = settings.Threads(c, newConsole(c)); err != nil {
		return r, err
	}
	slices.Sort(r.Ranks)
	if len(r.Ranks) == 0 || r.Ranks[0] != 1 || r.Ranks[len(r.Ranks)-1] > mostRanks || len(slices.Compact(slices.Clone(r.Ranks))) != len(r.Ranks) {
		return r, terminal.Usagef("--ranks must be different numbers with 1 among them, such as 1,2,4, got %s", joinInts(r.Ranks))
	}
	if c.Duration("latency") < 0 || c.Duration("step") < 0 {
		return r, terminal.Usagef("--latency and --step must not be negative")
	}
	for _, gigabits := range c.Float64Slice("networks") {
		if !(gigabits > 0 && gigabits < 1e6) {
			return r, terminal.Usagef("--networks must be positive numbers of Gb/s, got %v", gigabits)
		}
		r.Networks = append(r.Networks, dataparallel.Named{Name: fmt.Sprintf("%v Gb/s", gigabits),
			Network: dataparallel.Network{Latency: c.Duration("latency").Seconds(), Bandwidth: gigabits * 1e9 / 8}})
	}
	return r, nil
}

func joinInts(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}

// scalingRank is one of the ranks that are measured. The first prints what they have shown.
func scalingRank(c *cli.Context, g ranks.Group) error {
	m, err := method.Find(c.String("method"))
	if err != nil {
		return terminal.Usage(err)
	}
	e, err := scalingExperiment(c, m)
	if err != nil {
		return err
	}
	mask, err := e.LikelyMask()
	if err != nil {
		return err
	}
	limit, err := timeLimit(c.Float64("minutes"))
	if err != nil {
		return err
	}
	spec, err := e.Spec(settings.StageSearch, mask)
	if err != nil {
		return err
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	alphas := space.NewAlphas(mask, e.Network.Partial > 1).Len()
	sample, err := dataparallel.Measure(c.Context, spec, alphas, g, ort.Options{Threads: e.Device.Threads}, limit)
	if err != nil || g.Rank() > 0 {
		return err
	}
	return json.NewEncoder(c.App.Writer).Encode(sample)
}
