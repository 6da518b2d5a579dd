package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
)

func retrainCommand() *cli.Command {
	return &cli.Command{
		Name:  "retrain",
		Usage: "train the network of a genotype from scratch and export it",
		Description: "Writes a run directory with config.json, genotype.json, metrics.csv, timing.csv, state.ckpt " +
			"(weights, momenta and running statistics after the last epoch), model.onnx, which takes RGB images in [0,1], " +
			"its MODEL_CARD.md, classes.csv, confusion.csv, the worst mistakes, and report.html, which shows it all.",
		Flags: join([]cli.Flag{&cli.StringFlag{Name: "genotype",
			Usage: "genotype `FILE` of a search, or DARTS_V1, DARTS_V2, PC_DARTS_cifar"}},
			settings.RetrainCommand.Flags("", settings.PaperRetraining()), []cli.Flag{
				&cli.BoolFlag{Name: "dry-run", Usage: "print memory and duration as predicted, and stop"}},
			runFlags("retrain"), settings.Report()),
		Before: noArguments,
		Action: retrainAction,
	}
}

func retrainAction(c *cli.Context) error {
	from := settings.Training(settings.RetrainCommand)
	if name := c.String("genotype"); name != "" {
		g, err := settings.FindGenotype(name)
		if err != nil {
			return err
		}
		from.Set = func(e *settings.Experiment) { e.Retraining.Genotype = g }
	}
	return atWork(c, from, func(r *stages.Run) error {
		return errors.Join(r.TrainingSettings(), r.Console.Value(dryRun{r.Experiment, r.Need.Peak, r.Forecast.Map()}))
	}, func(r *stages.Run) error {
		r.Console.Say("memory: %v; duration: %v", r.Need, r.Forecast)
		out, err := r.Retrain(c.Context)
		if err != nil {
			return err
		}
		out.Print(r)
		return r.Console.Value(out)
	})
}
