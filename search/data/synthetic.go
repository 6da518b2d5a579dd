package data

import (
	"fmt"
	"runtime"

	"zos-ort/models/safe"
	"zos-ort/models/stream"
)

// SyntheticConfig describes a generated data set. Zero fields take the default.
type SyntheticConfig struct {
	Size    int    // side of an image in pixels, 8..512; default 32
	Train   int    // number of training images; default 10,000
	Test    int    // number of test images; default 2,000
	Seed    uint64 // images depend on seed, part (train or test) and index, and on nothing else
	Workers int    // goroutines that paint; default one per processor; no influence on the images
}

// Limits of SyntheticConfig.Size: below, the figures cannot be told apart.
const (
	minSynthetic = 8
	maxSynthetic = 512
)

// Normalisation of the generated set: per-channel mean and standard deviation of 50,000 images of
// seed 0, side 32. Fixed numbers, so that a set of any length and seed is normalised alike.
var (
	syntheticMean = [Channels]float32{.4391, .4301, .4419}
	syntheticStd  = [Channels]float32{.2430, .2209, .2517}
)

// Synthetic generates the built-in data set: pictures of ten figures (disc, ring, square, ...), all
// in any colour and texture on any background, at varying place, scale, proportion and rotation,
// with noise, changes of brightness and contrast, and sometimes a bar across. Colour and
// texture say nothing about the class; the outline has to be recognised. In every ten
// images from the first on, each class appears once, in random order.
func Synthetic(cfg SyntheticConfig) (train, test *Set, err error) {
	cfg.Size = orDefault(cfg.Size, 32)
	cfg.Train = orDefault(cfg.Train, 10_000)
	cfg.Test = orDefault(cfg.Test, 2_000)
	cfg.Workers = orDefault(cfg.Workers, runtime.GOMAXPROCS(0))
	if cfg.Size < minSynthetic || cfg.Size > maxSynthetic {
		return nil, nil, fmt.Errorf("data: synthetic: image side is %d, want %d..%d", cfg.Size,
			minSynthetic, maxSynthetic)
	}
	if cfg.Train < 1 || cfg.Test < 1 || cfg.Workers < 1 {
		return nil, nil, fmt.Errorf("data: synthetic: %d training images, %d test images, "+
			"%d workers: want at least one of each", cfg.Train, cfg.Test, cfg.Workers)
	}
	if train, err = cfg.part("synthetic train", 0, cfg.Train); err != nil {
		return nil, nil, err
	}
	test, err = cfg.part("synthetic test", 1, cfg.Test)
	return train, test, err
}

func orDefault(n, value int) int {
	if n == 0 {
		return value
	}
	return n
}

// part generates one of the two sets.
func (cfg *SyntheticConfig) part(name string, part uint64, n int) (*Set, error) {
	classes := figures()
	s := &Set{Name: name, Size: cfg.Size, Labels: make([]int32, n), Mean: syntheticMean,
		Std: syntheticStd}
	for _, f := range classes {
		s.Classes = append(s.Classes, f.name)
	}
	s.Images = make([]uint8, n*s.Pixels())
	cfg.labels(s.Labels, part, len(classes))
	return s, cfg.paint(s, part, classes)
}

// paint renders the images of a set, whose labels are known.
func (cfg *SyntheticConfig) paint(s *Set, part uint64, classes []figure) error {
	return safe.Each(cfg.Workers, func(w int) error {
		c, g := newCanvas(cfg.Size), newGenerator()
		for i := w; i < s.Len(); i += cfg.Workers {
			g.at(cfg.Seed, stream.Scene, part, uint64(i))
			c.render(s.Image(i), &classes[s.Labels[i]], g)
		}
		return nil
	})
}

// labels deals the classes out in blocks that hold each class once.
func (cfg *SyntheticConfig) labels(labels []int32, part uint64, classes int) {
	g := newGenerator()
	for at := 0; at < len(labels); at += classes {
		g.at(cfg.Seed, stream.Label, part, uint64(at))
		for i, label := range g.Perm(classes)[:min(classes, len(labels)-at)] {
			labels[at+i] = int32(label)
		}
	}
}
