package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
	"zos-ort/cmd/internal/terminal"
)

// runFlags are common to the commands that write a run's folder.
func runFlags(command string) []cli.Flag {
	return []cli.Flag{settings.Out(command), settings.ConfigFlag(), settings.ResumeFlag(),
		settings.IgnoreMemory(""), serveFlag(), settings.MPIFlag()}
}

// atWork resolves an experiment and runs it in its folder. With --dry-run it only says what would run.
func atWork(c *cli.Context, from settings.Source, dry, work func(*stages.Run) error) error {
	g, launch := ranksOf(c.App)
	resolved, err := from.Resolve(c)
	if err = stages.Agree(g, err); err != nil {
		return err
	}
	resolved.On(g.Size(), launch.Local, launch.Seat, c.IsSet("threads") || c.IsSet("resume") || c.IsSet("config"))
	p := newConsole(c)
	serve, stop, err := served(c, p)
	if err != nil {
		return err
	}
	defer stop()
	r, err := stages.Prepare(c.Context, resolved, stages.Options{Dry: c.Bool("dry-run"), IgnoreMemory: c.Bool("ignore-memory"),
		Ranks: g}, p)
	if err != nil {
		return err
	}
	defer r.Close()
	if c.Bool("dry-run") {
		return errors.Join(r.Estimate(c.Context, true), dry(r))
	}
	if err := r.Open(c.Context, c.String("resume"), c.String("out")); err != nil {
		return err
	}
	serve(string(r.Dir))
	if n := g.Size(); n > 1 {
		r.Console.Say("%d ranks share the run, of which this one writes", n)
	}
	if r.Images.Folder == "" {
		r.Console.Say("no --data: using the built-in generated images")
	}
	if err = r.Estimate(c.Context, false); err == nil {
		err = work(r)
	}
	return r.Finish(err)
}

// savedReport is a result that prints itself, and saves itself into a new folder if one was asked for.
type savedReport interface {
	Save(rundir.Dir) error
	Print(*terminal.Console) error
}

// deliver saves a report into the folder of --out, if it is given, and prints it.
func deliver(c *cli.Context, r savedReport, p *terminal.Console) error {
	if out := c.String("out"); out != "" {
		dir, err := rundir.Create(out, c.Command.Name)
		if err != nil {
			return err
		}
		if err := dir.Finish(r.Save(dir)); err != nil {
			return err
		}
		if err := report.Write(out); err != nil {
			return err
		}
	}
	if err := r.Print(p); err != nil {
		return err
	}
	return p.Value(r)
}
