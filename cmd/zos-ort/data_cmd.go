package main

import (
	"bytes"
	"fmt"
	"image/png"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/data"
)

func dataCommand() *cli.Command {
	return &cli.Command{
		Name:  "data",
		Usage: "say what a folder of images holds, and write samples of it",
		Description: "Reads the images as a retraining does with the same flags, all of them by default. " +
			"Broken files are listed, not fatal.",
		Flags: join(settings.ImageOptions.Without("on-bad-image").Flags("", settings.Experiment{}), []cli.Flag{
			&cli.StringFlag{Name: "on-bad-image", Value: settings.BadSkipped,
				Usage: "an image file that cannot be read: fail, or skip to leave it out"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of generated images"},
			&cli.IntFlag{Name: "sample", Usage: "write `N` test images of every class to --out, as PNG"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to create for the samples"},
		}, settings.Report()),
		Before: noArguments,
		Action: dataAction,
	}
}

// dataReport is what data prints with --json.
type dataReport struct {
	Data        string                 `json:"data"` // folder; empty for the built-in images
	Size        int                    `json:"image_size"`
	Fingerprint string                 `json:"data_fingerprint"` // of the training images
	Mean        [data.Channels]float32 `json:"mean"`
	Std         [data.Channels]float32 `json:"std"`
	Train       int                    `json:"train_images"`
	Test        int                    `json:"test_images"`
	Classes     []classReport          `json:"classes"`
	Notes       []string               `json:"notes"`
	LeftOut     []string               `json:"left_out"` // files in class folders that are no images
	Warnings    []string               `json:"warnings"` // images that were read though something is wrong
	Bad         []string               `json:"bad_images"`
	Samples     []string               `json:"samples"`
}

// classReport counts the images of a class.
type classReport struct {
	Name  string `json:"name"`
	Train int    `json:"train"`
	Test  int    `json:"test"`
}

func dataAction(c *cli.Context) error {
	e, n := settings.Quick(), c.Int("sample")
	e.Images.OnBad = settings.BadSkipped
	settings.ImageOptions.Apply(c, "", &e)
	s := e.Images
	if s.Folder != "" && !c.IsSet("train-images") {
		s.Train = 0
	}
	if s.Folder != "" && !c.IsSet("image-size") {
		s.Size = 0
	}
	if err := s.Check(); err != nil {
		return err
	}
	if n < 0 || (n > 0) != (c.String("out") != "") {
		return terminal.Usagef("--sample N, of at least 1, and --out DIR go together")
	}
	p := newConsole(c)
	f, err := images.Read(c.Context, s, c.Uint64("seed"), images.GeneratedTest, p)
	if err != nil {
		return err
	}
	r := reportData(s.Folder, f)
	if n > 0 {
		if r.Samples, err = writeSamples(c.String("out"), f.Test, n); err != nil {
			return err
		}
	}
	images.Tell(p, f)
	return r.print(p, c.String("out"))
}

func reportData(dir string, f *data.Folder) dataReport {
	r := dataReport{Data: dir, Size: f.Train.Size, Fingerprint: f.Train.Fingerprint(),
		Mean: f.Train.Mean, Std: f.Train.Std, Train: f.Train.Len(), Test: f.Test.Len(),
		Classes: make([]classReport, len(f.Train.Classes)), Notes: append([]string{}, f.Notes...),
		Bad: texts(f.Bad), LeftOut: texts(f.LeftOut), Warnings: append([]string{}, f.Warnings...),
		Samples: []string{}}
	for i, name := range f.Train.Classes {
		r.Classes[i].Name = name
	}
	for _, label := range f.Train.Labels {
		r.Classes[label].Train++
	}
	for _, label := range f.Test.Labels {
		r.Classes[label].Test++
	}
	return r
}

func texts(errs []error) []string {
	list := make([]string, len(errs))
	for i, err := range errs {
		list[i] = err.Error()
	}
	return list
}

// print reports to people or machines.
func (r dataReport) print(p *terminal.Console, out string) error {
	rows := make([][]string, len(r.Classes))
	for i, c := range r.Classes {
		rows[i] = []string{fmt.Sprint(i), c.Name, fmt.Sprint(c.Train), fmt.Sprint(c.Test)}
	}
	if err := p.Table([]string{"label", "class", "train", "test"}, rows); err != nil {
		return err
	}
	p.Result("%d training and %d test images of %dx%d, %d classes", r.Train, r.Test, r.Size, r.Size,
		len(r.Classes))
	p.Result("mean %.4f, std %.4f (red, green, blue), fingerprint %s", r.Mean, r.Std, r.Fingerprint)
	if len(r.Bad) > 0 {
		p.Result("broken files: %d", len(r.Bad))
	}
	if len(r.LeftOut) > 0 {
		p.Result("files left out, which are no images that are read: %d", len(r.LeftOut))
		for _, file := range r.LeftOut {
			p.Result("  %s", strings.TrimPrefix(file, "data: "))
		}
	}
	if len(r.Samples) > 0 {
		p.Result("%d samples written to %s", len(r.Samples), out)
	}
	return p.Value(r)
}

// writeSamples writes the first n images of every class to a new folder.
func writeSamples(out string, s *data.Set, n int) (paths []string, err error) {
	dir, err := rundir.Create(out, "data")
	if err != nil {
		return nil, err
	}
	written := make([]int, len(s.Classes))
	for i, label := range s.Labels {
		if written[label] == n {
			continue
		}
		var b bytes.Buffer
		if err := png.Encode(&b, s.Picture(i)); err != nil {
			return nil, fmt.Errorf("sample of class %q: %w", s.Classes[label], err)
		}
		class := strings.NewReplacer("/", "_", "\\", "_").Replace(s.Classes[label])
		name := fmt.Sprintf("%s-%d.png", class, written[label])
		if err := dir.Write(name, b.Bytes()); err != nil {
			return nil, err
		}
		written[label]++
		paths = append(paths, dir.Path(name))
	}
	return paths, nil
}
