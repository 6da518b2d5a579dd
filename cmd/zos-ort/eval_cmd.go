package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/rundir"
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
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "model", Usage: "`FILE` that zos-ort exported"},
			&cli.StringFlag{Name: "run", Usage: "run `DIR` of zos-ort retrain"},
			&cli.StringFlag{Name: "data", DefaultText: "that of the run; of a model, of the run it lies in",
				Usage: "`DIR` with images, in any layout that retrain takes"},
			&cli.IntFlag{Name: "test-images", DefaultText: "all", Usage: "use the first `N` test images"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to create for tables and confusion matrix"},
			&cli.BoolFlag{Name: "json", Usage: "print the result as JSON, nothing else"},
			&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
		},
		Before: noArguments,
		Action: evalAction,
	}
}

// subject is a network under evaluation.
type subject struct {
	name   string
	labels []string
	size   int
	score  forward
	view   func(*data.Set) *data.Set // the images as the network wants them
	close  func()
}

func evalAction(c *cli.Context) error {
	switch {
	case (c.String("model") == "") == (c.String("run") == ""):
		return terminal.Usagef("give either --model or --run")
	case c.Int("test-images") < 0 || c.Int("threads") < 0:
		return terminal.Usagef("--test-images and --threads must be positive, got %d and %d", c.Int("test-images"),
			c.Int("threads"))
	}
	threads := c.Int("threads")
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	p := newConsole(c)
	s, test, err := evalSubject(c, threads, p)
	if err != nil {
		return err
	}
	defer s.close()
	if n := c.Int("test-images"); n > 0 {
		test = test.Head(n)
	}
	if err := s.fits(test, p); err != nil {
		return err
	}
	var dir rundir.Dir
	if c.String("out") != "" { // now, and not after minutes of work
		if dir, err = rundir.Create(c.String("out"), "eval"); err != nil {
			return err
		}
	}
	a, err := evaluate(c.Context, s.score, s.view(test), p)
	if err != nil {
		_ = os.Remove(string(dir)) // it is empty
		return err
	}
	return evalReport(p, dir, s, test, a)
}

// evalSubject opens the network and loads the images that it is to be tested on.
func evalSubject(c *cli.Context, threads int, p *terminal.Console) (*subject, *data.Set, error) {
	if path := c.String("model"); path != "" {
		m, err := openDeployed(path, ort.Options{Threads: threads, Optimization: ort.All, CPUArena: true,
			MemPattern: true})
		if err != nil {
			return nil, nil, err
		}
		s := &subject{path, m.labels, m.size, m.logits(c.Context), m.view, m.close}
		test, err := modelImages(c.Context, s, c.String("data"), p)
		if err != nil {
			m.close()
		}
		return s, test, err
	}
	t, err := openTrained(c.String("run"))
	if err != nil {
		return nil, nil, err
	}
	test, err := t.testImages(c.Context, c.String("data"), p)
	if err != nil {
		return nil, nil, err
	}
	t.settings.Threads = threads
	score, closeAll, err := t.open()
	view := func(set *data.Set) *data.Set {
		normal := *set
		normal.Mean, normal.Std = t.settings.Mean, t.settings.Std
		return &normal
	}
	return &subject{c.String("run"), t.settings.Labels, t.settings.ImageSize, score, view, closeAll},
		test, err
}

// testImages are those of the run, which must be unchanged, or those of any other folder.
func (t *trained) testImages(ctx context.Context, folder string, p *terminal.Console) (*data.Set, error) {
	if folder == "" {
		_, test, err := t.images(ctx, "", p)
		return test, err
	}
	return folderImages(ctx, folder, t.settings.ImageSize, p)
}

// modelImages are the test images of a folder or, without one, of the run that the model lies in.
func modelImages(ctx context.Context, s *subject, folder string, p *terminal.Console) (*data.Set, error) {
	if folder != "" {
		return folderImages(ctx, folder, s.size, p)
	}
	dir := rundir.Dir(filepath.Dir(s.name))
	if !rundir.Exists(dir.Path("config.json")) {
		return nil, fmt.Errorf("%s lies in no run directory: --data says which images to use", s.name)
	}
	t := new(trained)
	if err := dir.ReadSettings(retrainSchema, retrainVersion, &t.settings); err != nil {
		return nil, err
	}
	_, test, err := t.images(ctx, "", p)
	return test, err
}

// folderImages reads the test images of a folder, scaled to size where they may be.
func folderImages(ctx context.Context, folder string, size int, p *terminal.Console) (*data.Set, error) {
	s := dataSettings{Data: folder, ImageSize: size, OnBadImage: "fail"}
	_, test, err := s.load(ctx, 0, retrainTest, p)
	return test, err
}

// fits refuses images that are not for this network.
func (s *subject) fits(test *data.Set, p *terminal.Console) error {
	if len(test.Classes) != len(s.labels) {
		return fmt.Errorf("%s has %d classes, %s has %d", s.name, len(s.labels), test.Name,
			len(test.Classes))
	}
	if test.Size != s.size {
		return fmt.Errorf("%s takes images of %dx%d, those of %s are %dx%d", s.name, s.size, s.size,
			test.Name, test.Size, test.Size)
	}
	if !slices.Equal(test.Classes, s.labels) {
		p.Say("the classes of %s have other names than those of %s; they are taken in their order",
			test.Name, s.name)
	}
	return nil
}
