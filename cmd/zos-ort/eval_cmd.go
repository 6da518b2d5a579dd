package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/deploy"
	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
	"zos-ort/search/data"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:  "eval",
		Usage: "measure a trained network on test images",
		Description: "Takes an exported model, or the run directory of a retraining, whose network it runs " +
			"with running statistics. Prints top-1 and top-5 accuracy and that of every class; with --out it " +
			"also writes classes.csv, confusion.csv and confusion.png.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "model", Usage: "`FILE` that zos-ort exported, or the run directory that it lies in"},
			&cli.StringFlag{Name: "run", Usage: "run `DIR` of zos-ort retrain"},
			&cli.StringFlag{Name: "data", DefaultText: "that of the run; of a model, of the run it lies in",
				Usage: "`DIR` with images, in any layout that retrain takes"},
			&cli.IntFlag{Name: "test-images", DefaultText: "all", Usage: "use the first `N` test images"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to create for tables and confusion matrix"},
		}, evalOptions.Flags("", settings.Experiment{}),
			settings.Report()),
		Before: noArguments,
		Action: evalAction,
	}
}

// evalOptions say how the images of --data are read.
var evalOptions = settings.ImageOptions.Only("on-bad-image", "ignore-orientation")

func evalAction(c *cli.Context) error {
	switch {
	case (c.String("model") == "") == (c.String("run") == ""):
		return terminal.Usagef("give either --model or --run")
	case c.Int("test-images") < 0:
		return terminal.Usagef("--test-images must be positive, got %d", c.Int("test-images"))
	}
	from, err := evalImages(c)
	if err != nil {
		return err
	}
	p := newConsole(c)
	threads, err := settings.Threads(c, p)
	if err != nil {
		return err
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	s, test, err := evalSubject(c, from, threads, p)
	if err != nil {
		return err
	}
	defer s.Close()
	if n := c.Int("test-images"); n > 0 {
		test = test.Head(n)
	}
	if test, err = s.Fit(test); err != nil {
		return err
	}
	var dir rundir.Dir
	if c.String("out") != "" { // now, and not after minutes of work
		if dir, err = rundir.Create(c.String("out"), "eval"); err != nil {
			return err
		}
	}
	a, err := s.Measure(c.Context, test, p)
	if err != nil {
		_ = os.Remove(string(dir)) // it is empty
		return err
	}
	if err := deploy.Report(p, dir, s, test, a); err != nil || dir == "" {
		return err
	}
	return report.Write(string(dir))
}

// evalImages says which images are read and how.
func evalImages(c *cli.Context) (settings.Images, error) {
	var e settings.Experiment
	evalOptions.Apply(c, "", &e)
	e.Images.Folder = c.String("data")
	e.Images.Complete(true)
	return e.Images, e.Images.Check()
}

// evalSubject opens the network and loads its test images.
func evalSubject(c *cli.Context, from settings.Images, threads int, p *terminal.Console) (*deploy.Subject,
	*data.Set, error) {
	if c.String("model") != "" {
		path, err := rundir.ModelFile(c.String("model"), false)
		if err != nil {
			return nil, nil, err
		}
		m, err := deploy.OpenModel(path, deploy.SessionOptions(threads))
		if err != nil {
			return nil, nil, err
		}
		s := m.Subject(c.Context, path)
		test, err := deploy.ModelImages(c.Context, s, from, p)
		if err != nil {
			m.Close()
		}
		return s, test, err
	}
	t, err := deploy.Open(c.String("run"))
	if err != nil {
		return nil, nil, err
	}
	test, err := t.TestImages(c.Context, from, p)
	if err != nil {
		return nil, nil, err
	}
	s, err := t.Subject(c.String("run"), threads)
	return s, test, err
}
