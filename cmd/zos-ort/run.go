package main

import (
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stages"
)

// runFlags are common to the commands that write a run's folder.
func runFlags(command string) []cli.Flag {
	return []cli.Flag{settings.Out(command), settings.ConfigFlag(), settings.ResumeFlag(),
		settings.IgnoreMemory("")}
}

// atWork resolves an experiment and runs it in its folder. With --dry-run it only says what would run.
func atWork(c *cli.Context, from settings.Source, dry, work func(*stages.Run) error) error {
	resolved, err := from.Resolve(c)
	if err != nil {
		return err
	}
	r, err := stages.Prepare(c.Context, resolved, c.Bool("dry-run"), c.Bool("ignore-memory"), newConsole(c))
	if err != nil {
		return err
	}
	defer r.Close()
	if c.Bool("dry-run") {
		return dry(r)
	}
	if err := r.Open(c.Context, c.String("resume"), c.String("out")); err != nil {
		return err
	}
	if r.Images.Folder == "" {
		r.Console.Say("no --data: using the built-in generated images")
	}
	return r.Finish(work(r))
}
