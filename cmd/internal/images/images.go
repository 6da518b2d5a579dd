// Package images reads the images of an experiment.
package images

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/data"
)

// GeneratedTest is the number of generated images that a retraining tests on.
const GeneratedTest = 1000

// Load reads the images of a run and completes the settings with what they are. It generates test
// images where there is no folder; with testing 0 there is no test set. Where images are held out, they are the test
// set, and no others are read.
func Load(ctx context.Context, s *settings.Images, seed uint64, testing int,
	p *terminal.Console) (train, test *data.Set, err error) {
	tests := testing > 0
	if s.HoldOut {
		testing = 0
	}
	f, err := Read(ctx, *s, seed, testing, p)
	if err != nil {
		return nil, nil, err
	}
	train, test = f.Train, f.Test
	if train.Size%4 != 0 {
		return nil, nil, fmt.Errorf("images of %s are %dx%d: the network halves them twice, the side "+
			"must be a multiple of 4 (--image-size)", train.Name, train.Size, train.Size)
	}
	s.Train, s.Size, s.Classes = train.Len(), train.Size, len(train.Classes)
	s.Name, s.Fingerprint, s.TestFingerprint = train.Name, train.Fingerprint(), ""
	s.Labels, s.Mean, s.Std = printable(train.Classes), train.Mean, train.Std
	if s.HoldOut && tests {
		name := train.Name
		if train, test, err = Halves(train, seed); err != nil {
			return nil, nil, err
		}
		test.Name = name + ", images held out"
	}
	if tests {
		s.TestFingerprint = test.Fingerprint()
	}
	Tell(p, f)
	tellLeftOut(p, f.LeftOut)
	return train, test, nil
}

// Halves divides training images as a search does: what trains its weights, and what trains its alphas.
func Halves(train *data.Set, seed uint64) (weights, alphas *data.Set, err error) {
	first, second := data.Split(train.Len(), seed)
	if weights, err = train.Subset(first); err != nil {
		return nil, nil, err
	}
	alphas, err = train.Subset(second)
	return weights, alphas, err
}

// LoadTest reads the test images of a folder and no others.
func LoadTest(ctx context.Context, s settings.Images, p *terminal.Console) (*data.Set, error) {
	f, err := open(ctx, s, data.Options{TestOnly: true}, p)
	if err != nil {
		return nil, err
	}
	Tell(p, f)
	tellLeftOut(p, f.LeftOut)
	return f.Test, nil
}

// printable are names as config.json keeps them: a byte that is no UTF-8, which JSON would replace by one and the same
// sign, becomes its number. A resumed run finds its classes again.
func printable(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		var b strings.Builder
		for len(name) > 0 {
			r, n := utf8.DecodeRuneInString(name)
			if r == utf8.RuneError && n == 1 {
				fmt.Fprintf(&b, "\\x%02X", name[0])
			} else {
				b.WriteString(name[:n])
			}
			name = name[n:]
		}
		list[i] = b.String()
	}
	return list
}

// Tell says what the user should know about a folder.
func Tell(p *terminal.Console, f *data.Folder) {
	for _, bad := range f.Bad {
		p.Warn("%v", bad)
	}
	if len(f.Bad) > 0 {
		p.Warn("images left out (--on-bad-image skip): %d", len(f.Bad))
	}
	for _, warning := range f.Warnings {
		p.Warn("%s", warning)
	}
	for _, note := range f.Notes {
		p.Say("%s", note)
	}
}

// tellLeftOut names the first of the files that were not taken for images.
func tellLeftOut(p *terminal.Console, files []error) {
	const shown = 3
	if len(files) == 0 {
		return
	}
	for _, file := range files[:min(shown, len(files))] {
		p.Warn("left out: %v", file)
	}
	p.Warn("files in class folders that were left out: %d (zos-ort data lists all)", len(files))
}

// Read generates the built-in images or reads the folder, as far as memory can hold them.
func Read(ctx context.Context, s settings.Images, seed uint64, testing int,
	p *terminal.Console) (*data.Folder, error) {
	if s.Folder == "" {
		return generate(s, seed, testing)
	}
	return open(ctx, s, data.Options{Train: s.Train, TrainOnly: testing == 0}, p)
}

// open reads the folder of the settings.
func open(ctx context.Context, s settings.Images, o data.Options, p *terminal.Console) (*data.Folder, error) {
	defer p.Stop()
	o.Size, o.SkipBad, o.IgnoreOrientation = s.Size, s.OnBad == settings.BadSkipped, s.IgnoreOrientation
	o.Memory, _ = host.FreeMemory()
	o.Progress = func(n, total int) {
		if n == 1 {
			p.Start(total, "reading images")
		}
		p.Step("")
	}
	return data.Open(ctx, s.Folder, o)
}

func generate(s settings.Images, seed uint64, testing int) (*data.Folder, error) {
	need := float64(s.Train) * data.Channels * float64(s.Size) * float64(s.Size)
	if free, ok := host.FreeMemory(); ok && need > float64(free) {
		return nil, fmt.Errorf("%d generated images of %dx%d need %.1f GiB of memory, %.1f GiB are free",
			s.Train, s.Size, s.Size, need/(1<<30), float64(free)/(1<<30))
	}
	train, test, err := data.Synthetic(data.SyntheticConfig{Size: s.Size, Train: s.Train,
		Test: max(1, testing), Seed: seed})
	return &data.Folder{Train: train, Test: test}, err
}
