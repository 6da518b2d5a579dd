package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/data"
)

func dataFlags() []cli.Flag {
	return append(imageFlags("fail"), &cli.IntFlag{Name: "pad", DefaultText: "by preset",
		Usage: "padding of the random crop"})
}

// imageFlags say which images are read, and what becomes of broken files unless a flag says it.
func imageFlags(onBad string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "data", Usage: "`DIR` with images as train/CLASS/*.png or *.jpg, or " +
			"CIFAR-10 or CIFAR-100 in binary form (default: generated images)"},
		&cli.IntFlag{Name: "train-images", DefaultText: "by preset",
			Usage: "use the first `N` training images"},
		&cli.IntFlag{Name: "image-size", DefaultText: "their own; generated: by preset",
			Usage: "scale images to `N`xN, the shorter side to N and the rest cut away"},
		&cli.StringFlag{Name: "on-bad-image", DefaultText: onBad,
			Usage: "an image file that cannot be read: fail, or skip to leave it out"},
	}
}

// dataSettings is what config.json says about the images, in searches and retrainings alike.
type dataSettings struct {
	Data        string `json:"data"` // folder; empty for the built-in images
	DataName    string `json:"data_name"`
	Fingerprint string `json:"data_fingerprint"`
	OnBadImage  string `json:"on_bad_image"`
	TrainImages int    `json:"train_images"`
	ImageSize   int    `json:"image_size"`
	Classes     int    `json:"classes"`
	// Labels are the names of the classes; Mean and Std normalise a pixel p on a scale of 0 to 1 to
	// (p - mean) / std, per channel.
	Labels []string               `json:"labels"`
	Mean   [data.Channels]float32 `json:"mean"`
	Std    [data.Channels]float32 `json:"std"`
}

// quickImages are the generated images of the preset quick.
var quickImages = dataSettings{TrainImages: 2000, ImageSize: 16}

// fromFlags overrides the preset with the flags that were given. The side of the preset is that of
// generated images: those of a folder keep their own.
func (s *dataSettings) fromFlags(c *cli.Context) error {
	takeStrings(c, map[string]*string{"data": &s.Data, "on-bad-image": &s.OnBadImage})
	if s.OnBadImage == "" {
		s.OnBadImage = "fail"
	}
	if s.Data != "" && s.DataName == "" { // not read before
		s.ImageSize = 0
	}
	takeInts(c, map[string]*int{"train-images": &s.TrainImages, "image-size": &s.ImageSize})
	switch {
	case s.TrainImages < 0:
		return terminal.Usagef("--train-images must be positive, got %d", s.TrainImages)
	case s.ImageSize%4 != 0 || s.ImageSize < 0:
		return terminal.Usagef("--image-size must be a multiple of 4, got %d", s.ImageSize)
	case s.OnBadImage != "fail" && s.OnBadImage != "skip":
		return terminal.Usagef("--on-bad-image is fail or skip, got %q", s.OnBadImage)
	}
	return nil
}

// load reads the images and completes the settings with what they are. It generates test images for
// testing; with 0 there is no test set.
func (s *dataSettings) load(ctx context.Context, seed uint64, testing int,
	p *terminal.Console) (train, test *data.Set, err error) {
	f, err := s.read(ctx, seed, testing, p)
	if err != nil {
		return nil, nil, err
	}
	train, test = f.Train, f.Test
	if train.Size%4 != 0 {
		return nil, nil, fmt.Errorf("images of %s are %dx%d: the network halves them twice, the side "+
			"must be a multiple of 4 (--image-size)", train.Name, train.Size, train.Size)
	}
	s.TrainImages, s.ImageSize, s.Classes = train.Len(), train.Size, len(train.Classes)
	s.DataName, s.Fingerprint = train.Name, train.Fingerprint()
	s.Labels, s.Mean, s.Std = train.Classes, train.Mean, train.Std
	tell(p, f)
	return train, test, nil
}

// tell says what the user should know about a folder.
func tell(p *terminal.Console, f *data.Folder) {
	for _, bad := range f.Bad {
		p.Warn("%v", bad)
	}
	if len(f.Bad) > 0 {
		p.Warn("images left out (--on-bad-image skip): %d", len(f.Bad))
	}
	for _, note := range f.Notes {
		p.Say("%s", note)
	}
}

// read generates the built-in images or reads the folder, as far as memory can hold them.
func (s *dataSettings) read(ctx context.Context, seed uint64, testing int,
	p *terminal.Console) (*data.Folder, error) {
	if s.Data == "" {
		return s.generate(seed, testing)
	}
	free, _ := host.FreeMemory()
	defer p.Stop()
	return data.Open(ctx, s.Data, data.Options{Size: s.ImageSize, Train: s.TrainImages,
		TrainOnly: testing == 0, SkipBad: s.OnBadImage == "skip", Memory: free,
		Progress: func(n, total int) {
			if n == 1 {
				p.Start(total, "reading images")
			}
			p.Step("")
		}})
}

func (s *dataSettings) generate(seed uint64, testing int) (*data.Folder, error) {
	need := float64(s.TrainImages) * data.Channels * float64(s.ImageSize) * float64(s.ImageSize)
	if free, ok := host.FreeMemory(); ok && need > float64(free) {
		return nil, fmt.Errorf("%d generated images of %dx%d need %.1f GiB of memory, %.1f GiB are free",
			s.TrainImages, s.ImageSize, s.ImageSize, need/(1<<30), float64(free)/(1<<30))
	}
	train, test, err := data.Synthetic(data.SyntheticConfig{Size: s.ImageSize, Train: s.TrainImages,
		Test: max(1, testing), Seed: seed})
	return &data.Folder{Train: train, Test: test}, err
}
