package main

import (
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/mlflow"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
)

func trackCommand() *cli.Command {
	return &cli.Command{
		Name:      "track",
		Usage:     "push finished runs to an MLflow server",
		ArgsUsage: "RUN...",
		Description: "Sends settings, metrics by epoch, tags and files of a run by the REST interface of MLflow; of a sweep, of all its " +
			"finished runs. Once interrupted, the same command goes on and sends nothing twice: RUN/" + mlflow.StateFile + " says where the " +
			"run is. User and password are taken from the address or, as by MLflow itself, from MLFLOW_TRACKING_USERNAME and " +
			"MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "mlflow", EnvVars: []string{"MLFLOW_TRACKING_URI"},
				Usage: "`URL` of the server, such as http://127.0.0.1:5000"},
			&cli.StringFlag{Name: "experiment", Value: "zos-ort", Usage: "`NAME` of the experiment that the runs belong to; it is made if it is missing"},
			&cli.BoolFlag{Name: "no-files", Usage: "send settings and metrics alone"},
		}, settings.Report()),
		Action: trackAction,
	}
}

func trackAction(c *cli.Context) error {
	switch {
	case c.NArg() == 0:
		return terminal.Usagef("track needs one or more run directories, after its flags")
	case c.String("mlflow") == "":
		return terminal.Usagef("--mlflow is missing: give the address of a server, such as http://127.0.0.1:5000")
	case c.String("experiment") == "":
		return terminal.Usagef("--experiment names nothing")
	}
	var runs []mlflow.Named
	for _, dir := range c.Args().Slice() {
		list, err := mlflow.Runs(dir)
		if err != nil {
			return err
		}
		runs = append(runs, list...)
	}
	p := newConsole(c)
	terminal.Doing(c.Context, "waiting for the server")
	target, err := mlflow.Reach(c.Context, mlflow.Options{Server: c.String("mlflow"), Experiment: c.String("experiment"),
		Files: !c.Bool("no-files")}, p)
	if err != nil {
		return err
	}
	var all []mlflow.Pushed
	for _, run := range runs {
		out, err := target.Push(c.Context, run.Path, run.Name)
		if err != nil && out.ID != "" {
			return &terminal.Hinted{Text: err.Error(), Hint: "what has arrived stays: the same command goes on from there"}
		}
		if err != nil {
			return err
		}
		if all = append(all, out); out.Params+out.Metrics+out.Tags+out.Files == 0 {
			p.Result("%s: the server has all of it at %s", out.Run, out.URL)
			continue
		}
		p.Result("%s: %d parameters, %d metrics, %d files sent to %s", out.Run, out.Params, out.Metrics, out.Files, out.URL)
	}
	return p.Value(map[string]any{"server": target.Server(), "runs": all})
}
