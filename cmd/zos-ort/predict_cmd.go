package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/network"
	"zos-ort/ort"
	"zos-ort/search/data"
)

func predictCommand() *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Usage:     "say what is in images",
		ArgsUsage: "IMAGE...",
		Description: "Takes PNG and JPEG files of any size: the square in the middle is scaled to what the " +
			"model wants, as in training. A file that is no image is reported and the others are done; the " +
			"exit status is then 1.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "model", Usage: "`FILE` that zos-ort exported"},
			&cli.IntFlag{Name: "top", Value: 3, Usage: "classes to name for every image"},
			&cli.IntFlag{Name: "threads", DefaultText: "all cores", Usage: "threads"},
			&cli.BoolFlag{Name: "json", Usage: "print the result as JSON, nothing else"},
			&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
		},
		Action: predictAction,
	}
}

// guess is a class with its probability.
type guess struct {
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
}

// imagePrediction is what the model says of an image, or why it says nothing.
type imagePrediction struct {
	Path    string    `json:"path"`
	Classes []guess   `json:"classes,omitempty"`
	Scores  []float32 `json:"scores,omitempty"` // the model's output, in the order of its labels
	Error   string    `json:"error,omitempty"`
}

func predictAction(c *cli.Context) error {
	switch {
	case c.String("model") == "":
		return terminal.Usagef("--model is missing: give a file of zos-ort export")
	case c.NArg() == 0:
		return terminal.Usagef("predict takes at least one image, after its flags")
	case c.Int("top") < 1 || c.Int("threads") < 0:
		return terminal.Usagef("--top and --threads must be positive, got %d and %d", c.Int("top"), c.Int("threads"))
	}
	for _, path := range c.Args().Slice() {
		if strings.HasPrefix(path, "--") {
			return terminal.Usagef("flags go before the images, got %s after one", path)
		}
	}
	if err := ort.Open(""); err != nil {
		return err
	}
	threads := c.Int("threads")
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	m, err := openDeployed(c.String("model"), ort.Options{Threads: threads, Optimization: ort.All})
	if err != nil {
		return err
	}
	defer m.close()
	return predictImages(c.Context, newConsole(c), m, c.Args().Slice(), c.Int("top"))
}

// predictImages does all images and then fails if one could not be read.
func predictImages(ctx context.Context, p *terminal.Console, m *deployed, paths []string, top int) error {
	var all []imagePrediction
	var rows [][]string
	var bad error
	failed := 0
	for _, path := range paths {
		r, err := m.predict(ctx, path, top)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			bad, r.Error = err, err.Error()
			failed++
			if len(paths) > 1 {
				report(p.Err, err)
			}
		}
		all = append(all, r)
		for i, g := range r.Classes {
			if i > 0 {
				path = ""
			}
			rows = append(rows, []string{path, g.Label, percent(g.Probability)})
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

// predict names the most likely classes of an image file.
func (m *deployed) predict(ctx context.Context, path string, top int) (r imagePrediction, err error) {
	r.Path = path
	pixels, err := data.DecodeImage(path, m.size)
	if err != nil {
		return r, err
	}
	if r.Scores, err = m.run(ctx, m.input(pixels)); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	p := r.Scores
	if m.output != network.ProbabilitiesOutput {
		p = softmax(p, len(m.labels))
	}
	for _, class := range ranking(p)[:min(top, len(p))] {
		r.Classes = append(r.Classes, guess{m.labels[class], float64(p[class])})
	}
	return r, nil
}

// input are pixels [3,size,size] as the model wants them.
func (m *deployed) input(pixels []uint8) []float32 {
	x := make([]float32, len(pixels))
	plane := m.size * m.size
	for i, v := range pixels {
		y := float64(v) / 255
		if m.raw {
			y = (y - float64(m.normal.Mean[i/plane])) / float64(m.normal.Std[i/plane])
		}
		x[i] = float32(y)
	}
	return x
}
