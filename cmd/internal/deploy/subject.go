package deploy

import (
	"context"
	"fmt"
	"path/filepath"

	"zos-ort/cmd/internal/images"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/data"
)

// Subject is a network under evaluation.
type Subject struct {
	name   string
	labels []string
	size   int
	score  forward
	view   func(*data.Set) *data.Set // the images as the network wants them
	Close  func()
}

// TestImages returns the test images of the run, which must be unchanged, or of the folder of from, which are
// read as from says and as the run read its own. Training images are not read.
func (t *Trained) TestImages(ctx context.Context, from settings.Images, p *terminal.Console) (*data.Set, error) {
	own := t.Settings.Images
	if from.Folder != "" {
		from.Size, from.IgnoreOrientation = own.Size, from.IgnoreOrientation || own.IgnoreOrientation
		return images.LoadTest(ctx, from, p)
	}
	if own.Folder == "" || own.HoldOut || own.TestFingerprint == "" { // generated, or of a version that wrote none down
		_, test, err := t.Images(ctx, "", p)
		return test, err
	}
	test, err := images.LoadTest(ctx, own, p)
	if err != nil {
		return nil, fmt.Errorf("images of the run (--data says where they are now): %w", err)
	}
	if now := test.Fingerprint(); now != own.TestFingerprint {
		return nil, fmt.Errorf("the test images have changed: %s has fingerprint %s, the run was tested on %s", test.Name, now,
			own.TestFingerprint)
	}
	return test, nil
}

// ModelImages are the test images of the folder of from or, without one, of the run that the model lies in.
func ModelImages(ctx context.Context, s *Subject, from settings.Images, p *terminal.Console) (*data.Set, error) {
	if from.Folder != "" {
		from.Size = s.size
		return images.LoadTest(ctx, from, p)
	}
	dir := rundir.Dir(filepath.Dir(s.name))
	if !rundir.Exists(dir.Path("config.json")) {
		return nil, fmt.Errorf("%s lies in no run directory: --data says which images to use", s.name)
	}
	t := new(Trained)
	if err := t.readSettings(dir); err != nil {
		return nil, err
	}
	return t.TestImages(ctx, from, p)
}

// Fit gives the images with the labels of the network, whose classes are matched by name, and refuses
// images that are not for it.
func (s *Subject) Fit(test *data.Set) (*data.Set, error) {
	if test.Size != s.size {
		return nil, fmt.Errorf("%s takes images of %dx%d, those of %s are %dx%d", s.name, s.size, s.size,
			test.Name, test.Size, test.Size)
	}
	fitting, err := test.Relabel(s.labels)
	if err != nil {
		return nil, fmt.Errorf("%s recognises other classes: %w", s.name, err)
	}
	return fitting, nil
}

// Subject is the trained network on the runtime's training graph.
func (t *Trained) Subject(name string, threads int) (*Subject, error) {
	t.Settings.Device.Threads = threads
	score, closeAll, err := t.run()
	if err != nil {
		return nil, err
	}
	view := func(set *data.Set) *data.Set {
		normal := *set
		normal.Mean, normal.Std = t.Settings.Images.Mean, t.Settings.Images.Std
		return &normal
	}
	return &Subject{name, t.Settings.Images.Labels, t.Settings.Images.Size, score, view, closeAll}, nil
}

// Subject is the exported network in an inference session.
func (d *Model) Subject(ctx context.Context, name string) *Subject {
	return &Subject{name, d.labels, d.size, d.Logits(ctx), d.View, d.Close}
}

// Measure evaluates a network on test images.
func (s *Subject) Measure(ctx context.Context, test *data.Set, p *terminal.Console) (*Accuracy, error) {
	return Evaluate(ctx, s.score, s.view(test), p)
}
