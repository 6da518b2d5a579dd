package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
)

func searchCommand() *cli.Command {
	return &cli.Command{
		Name:  "search",
		Usage: "prune the search space, search it, export what was found",
		Description: "Writes a run directory with config.json, mask.json, scores.csv, metrics.csv, timing.csv, " +
			"genotype.json, report.html, which shows it all, the cells as .dot, .svg and .onnx, and the derived network as network.onnx.",
		Flags: join(settings.SearchCommand.Flags("", settings.Paper()), []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "print the resolved configuration and stop"}},
			runFlags("search"), settings.Report()),
		Before: noArguments,
		Action: searchAction,
	}
}

// dryRun is what search --dry-run prints with --json.
type dryRun struct {
	settings.Experiment
	Peak    int                `json:"predicted_peak_bytes"`
	Seconds map[string]float64 `json:"predicted_seconds,omitempty"` // by part of the run, where they could be timed
}

func searchAction(c *cli.Context) error {
	return atWork(c, settings.Searching(settings.SearchCommand, "search"), func(r *stages.Run) error {
		return errors.Join(r.Settings(), r.Console.Value(dryRun{r.Experiment, r.Need.Peak, r.Forecast.Map()}))
	}, func(r *stages.Run) error {
		if err := r.Settings(); err != nil {
			return err
		}
		out, err := r.Search(c.Context)
		if err != nil {
			return err
		}
		out.Print(r)
		return r.Console.Value(out)
	})
}
