package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/cells"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/judge"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/sweeping"
	"zos-ort/models/space"
	"zos-ort/ort"
)

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:  "sweep",
		Usage: "compare methods: a matrix of methods, data sets and seeds, and its table",
		Description: "Every run is a process of its own, so that a failure takes one and not the others. " +
			"The folder holds cells/DATA/METHOD/seed-N with status, logs and run directories, and " +
			"table.md, table.csv, table.json, runs.csv and bar charts beside the paper's Table 1. The same " +
			"command continues where it stopped. Flags that are not the sweep's own go to " +
			"zos-ort search, those that begin with retrain- to zos-ort retrain.",
		Flags:  sweepFlags("all"),
		Before: noArguments,
		Action: sweepAction,
	}
}

// sweepFlags are the flags of a sweep, with its methods unless the user names some.
func sweepFlags(methods string) []cli.Flag {
	own := []cli.Flag{
		methodsFlag(methods),
		&cli.IntFlag{Name: "seeds", Value: 3, Usage: "runs of every method, each with the next seed"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "first seed"},
		&cli.StringSliceFlag{Name: "data", Usage: "`DIR` with images, as for search, or " + sweeping.BuiltIn +
			"; several with commas or by repetition (default: " + sweeping.BuiltIn + ", generated images)"},
		&cli.BoolFlag{Name: "retrain", Usage: "train what was found from scratch, for the test accuracy"},
		&cli.StringFlag{Name: "rank-by", Usage: "with --retrain: " + cells.Small + " trains a small network of everything found " +
			"briefly, on half of the training images, and only the best on the other half are retrained", DefaultText: "retrain all"},
		&cli.IntFlag{Name: "keep", Usage: "retrain the best `K` runs of every data set", DefaultText: "all"},
		&cli.StringFlag{Name: "out", Usage: "`DIR` of the sweep; an earlier one is continued",
			DefaultText: "runs/sweep/TIME"},
		&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads, divided among the jobs"},
		&cli.IntFlag{Name: "jobs", Value: 1, Usage: "runs at the same time; on Slurm and Kubernetes 0 for all"},
		&cli.StringFlag{Name: "memory", DefaultText: "80 % of what is free",
			Usage: "`SIZE` for all runs at the same time, such as 16GB; each counts by prediction"},
		&cli.StringFlag{Name: "executor", Value: sweeping.Local, Usage: "local, slurm (a job array) or kubernetes (an indexed Job)"},
		&cli.StringFlag{Name: "slurm-args", Usage: "more arguments of sbatch, such as " +
			"'--partition=main --time=02:00:00'"},
		&cli.BoolFlag{Name: "no-wait", Usage: "submit to Slurm and stop; the same command collects later"},
		&cli.StringFlag{Name: "cell", Usage: "run the prepared cell in `DIR`: what a Slurm task does"},
		&cli.StringFlag{Name: "surrogate", Usage: "judge the results by the ONNX `FILE` of a NAS-Bench-301 " +
			"surrogate, as zos-ort judge does"},
		&cli.BoolFlag{Name: "dry-run", Usage: "print what would run, and stop"},
		serveFlag(),
	}
	return join(own, sweeping.KubernetesFlags(), settings.Report(), sweeping.SearchOptions.Flags("", settings.Paper()),
		sweeping.SmallOptions.Flags(sweeping.SmallPrefix, settings.Paper()),
		sweeping.RetrainOptions.Flags(sweeping.RetrainPrefix, settings.PaperRetraining()),
		[]cli.Flag{settings.IgnoreMemory(""), settings.IgnoreMemory(sweeping.RetrainPrefix)})
}

func sweepAction(c *cli.Context) error {
	p := newConsole(c)
	if c.IsSet("cell") || c.IsSet("cell-list") {
		return sweeping.RunOne(c, p)
	}
	x, err := sweeping.Resolve(c, p)
	if err != nil {
		return err
	}
	out, err := sweeping.Folder(c.String("out"))
	if err != nil {
		return err
	}
	if err := x.Adopt(out); err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return x.Show(c.Context, p, out)
	}
	serve, stop, err := served(c, p)
	if err != nil {
		return err
	}
	defer stop()
	x.Begun = serve
	if c.IsSet("surrogate") || c.IsSet("truth") {
		source, path, err := sweepJudge(c, x)
		if err != nil {
			return err
		}
		defer source.Close()
		x.Judge = func(ctx context.Context) (any, error) { return judge.Folder(ctx, source, path, out, p) }
	}
	return x.Run(c, out, p)
}

// sweepJudge opens what judges the runs of a sweep, and names its file.
func sweepJudge(c *cli.Context, x sweeping.Matrix) (judge.Source, string, error) {
	if err := ort.Open(""); err != nil {
		return nil, "", err
	}
	return judge.Judging{Surrogate: c.String("surrogate"), Truth: c.String("truth"), Column: c.String("truth-column"),
		Data: x.DataName(), Space: c.Generic("space").(*space.Ref).Of(), Threads: host.Processors()}.Open(c.Context)
}
