package main

import (
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/bench"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/ort"
)

func scalingCommand() *cli.Command {
	return &cli.Command{
		Name:  "scaling",
		Usage: "measure how the steps of a search grow with batch, cells, channels and operations",
		Description: "Measures the weight step, the alpha step, the creation of their sessions and the predicted " +
			"memory at several sizes, one dimension at a time, and fits the exponents. Writes scaling.csv and a " +
			"chart per dimension. With --ranks it measures the steps on several ranks of MPI instead, predicts them for 8 to 256, and " +
			"writes ranks.csv and a chart.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "dimensions", Value: "all", Usage: "batch, cells, channels, operations: some, " +
				"separated by commas, or all"},
			&cli.StringFlag{Name: "method", Value: "darts", Usage: "method whose supernet grows"},
			&cli.IntFlag{Name: "batch", Value: 16, Usage: "images per step, where something else grows"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
			&cli.Float64Flag{Name: "minutes", Value: 6, Usage: "time for everything, roughly"},
			settings.Out("scaling"),
		}, scalingRanksFlags(), sizeOptions.Without("xi", "seed").Values(settings.PaperOnCIFAR()), settings.Report()),
		Before: noArguments,
		Action: scalingAction,
	}
}

func scalingAction(c *cli.Context) error {
	switch group, _ := ranksOf(c.App); {
	case c.Bool(asRank):
		return scalingRank(c, group)
	case group.Size() > 1:
		return terminal.Usagef("scaling starts ranks itself: use zos-ort scaling --ranks 1,%d", group.Size())
	case c.IsSet("ranks"):
		return scalingRanks(c)
	}
	if err := onlyWith(c, "ranks", "launcher", "networks", "latency", "step"); err != nil {
		return err
	}
	base, err := scalingCase(c)
	if err != nil {
		return err
	}
	list, err := bench.FindDimensions(c.String("dimensions"))
	if err != nil {
		return terminal.Usage(err)
	}
	limit, err := timeLimit(c.Float64("minutes"))
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
	return dir.Finish(bench.Scaling(c.Context, newConsole(c), base, list, limit, dir))
}

// scalingCase is the network that grows.
func scalingCase(c *cli.Context) (bench.Case, error) {
	m, err := method.Find(c.String("method"))
	if err != nil {
		return bench.Case{}, terminal.Usage(err)
	}
	e, err := scalingExperiment(c, m)
	return bench.Case{Experiment: e, Mask: bench.EvenMask(len(space.DARTS.Operations()))}, err
}

// scalingExperiment is the search of a method whose steps are measured.
func scalingExperiment(c *cli.Context, m method.Method) (e settings.Experiment, err error) {
	if e, err = plannedExperiment(c); err != nil {
		return e, err
	}
	e = e.With(m).WithBatch(settings.StageSearch, c.Int("batch"))
	if e.Device.Threads, err = settings.Threads(c, newConsole(c)); err != nil {
		return e, err
	}
	return e, e.CheckPlanned()
}
