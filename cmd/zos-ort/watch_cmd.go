package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/cmd/internal/watch"
	"zos-ort/models/ranks"
	"zos-ort/models/safe"
)

func watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "serve the page of a run, which follows the run while it goes on",
		ArgsUsage: "RUN",
		Description: "Serves the page of a run of any process, or of a sweep, and its files, until Ctrl-C. It only reads, and " +
			"serves nothing outside of the run.",
		Flags: []cli.Flag{&cli.StringFlag{Name: "serve", Value: "0",
			Usage: "`ADDRESS` to serve at: a port, or HOST:PORT for other machines than this one"},
			&cli.BoolFlag{Name: "quiet", Usage: "print the address alone"}},
		Action: watchAction,
	}
}

func watchAction(c *cli.Context) error {
	if c.NArg() != 1 {
		return terminal.Usagef("watch takes one run directory, after its flags, got %d", c.NArg())
	}
	dir := c.Args().First()
	if !report.IsRun(dir) {
		return fmt.Errorf("%s is no run directory", dir)
	}
	s, err := watch.Listen(c.String("serve"))
	if err != nil {
		return err
	}
	p := newConsole(c)
	p.Result("%s", s.URL())
	p.Say("Ctrl-C ends it")
	return s.Serve(c.Context, dir)
}

// serveFlag lets a run serve its own page.
func serveFlag() cli.Flag {
	return &cli.StringFlag{Name: "serve", Usage: "serve the page of the run at `ADDRESS`, a port or HOST:PORT, while it goes on"}
}

// served takes the address of --serve, if it is given, before anything is done. The run is served once start is
// called with its directory, until stop.
func served(c *cli.Context, p *terminal.Console) (start func(dir string), stop func(), err error) {
	address := c.String("serve")
	if g, _ := ranksOf(c.App); address == "" || !ranks.Leads(g) {
		return func(string) {}, func() {}, nil
	}
	s, err := watch.Listen(address)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(c.Context)
	done := make(chan struct{})
	started := false
	start = func(dir string) {
		started = true
		p.Say("the page of the run is at %s", s.URL())
		go func() {
			defer close(done)
			if err := safe.Call(func() error { return s.Serve(ctx, dir) }); err != nil {
				p.Warn("%v", err)
			}
		}()
	}
	return start, func() {
		cancel()
		if started {
			<-done
		} else {
			s.Close()
		}
	}, nil
}
