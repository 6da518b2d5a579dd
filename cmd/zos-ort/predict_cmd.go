package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/deploy"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
)

func predictCommand() *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Usage:     "say what is in images",
		ArgsUsage: "IMAGE...",
		Description: "Takes PNG, JPEG, WebP, GIF, BMP and TIFF files of any size: the square in the middle is scaled " +
			"to what the model wants, as in training. A file that is no image is reported and the others are done; the " +
			"exit status is then 1.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "model", Usage: "`FILE` that zos-ort exported, or the run directory that it lies in"},
			&cli.IntFlag{Name: "top", Value: 3, Usage: "classes to name for every image"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
		}, settings.ImageOptions.Only("ignore-orientation").Flags("", settings.Experiment{}),
			settings.Report()),
		Action: predictAction,
	}
}

func predictAction(c *cli.Context) error {
	switch {
	case c.String("model") == "":
		return terminal.Usagef("--model is missing: give a file of zos-ort export")
	case c.NArg() == 0:
		return terminal.Usagef("predict takes at least one image, after its flags")
	case c.Int("top") < 1:
		return terminal.Usagef("--top must be positive, got %d", c.Int("top"))
	}
	for _, path := range c.Args().Slice() {
		if strings.HasPrefix(path, "--") {
			return terminal.Usagef("flags go before the images, got %s after one", path)
		}
	}
	p := newConsole(c)
	threads, err := settings.Threads(c, p)
	if err != nil {
		return err
	}
	path, err := rundir.ModelFile(c.String("model"), false)
	if err != nil {
		return err
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	m, err := deploy.OpenModel(path, ort.Options{Threads: threads, Optimization: ort.All})
	if err != nil {
		return err
	}
	defer m.Close()
	return predictImages(c, p, m)
}

// predictImages does all images and then fails if one could not be read.
func predictImages(c *cli.Context, p *terminal.Console, m *deploy.Model) error {
	paths := c.Args().Slice()
	var all []deploy.Prediction
	var rows [][]string
	var bad error
	failed := 0
	for _, path := range paths {
		r, err := m.Predict(c.Context, path, c.Int("top"), c.Bool("ignore-orientation"))
		if c.Context.Err() != nil {
			return c.Context.Err()
		}
		if r.Warning != "" {
			p.Warn("%s", r.Warning)
		}
		if err != nil {
			bad, r.Error = err, err.Error()
			failed++
			if len(paths) > 1 {
				fail(p.Err, err)
			}
		}
		all = append(all, r)
		for i, g := range r.Classes {
			if i > 0 {
				path = ""
			}
			rows = append(rows, []string{path, g.Label, deploy.Percent(g.Probability)})
		}
	}
	if len(rows) > 0 {
		if err := p.Table([]string{"image", "class", "probability"}, rows); err != nil {
			return err
		}
	}
	if err := p.Value(map[string]any{"images": all}); err != nil {
		return err
	}
	if failed > 0 && len(paths) > 1 {
		return fmt.Errorf("%d of %d images could not be read", failed, len(paths))
	}
	return bad
}
