package data

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
)

// read decodes the sets and normalises both as the training images want it.
func (f *Folder) read(ctx context.Context, dir string, p *parts, o Options) error {
	n, first := len(p.train), p.train
	if o.Train > 0 {
		n = min(n, o.Train)
	}
	if o.TestOnly {
		n, first = 0, p.test
	}
	want, err := o.side(first)
	if err != nil {
		return err
	}
	if err := o.fits(dir, n+len(p.test), want.Size); err != nil {
		return err
	}
	name := filepath.Base(filepath.Clean(dir))
	test := &Set{Name: name + " test", Size: want.Size, Classes: p.classes, Std: [Channels]float32{1, 1, 1}}
	if !o.TestOnly {
		f.Train = &Set{Name: name + " train", Size: want.Size, Classes: p.classes}
		if err := f.decode(ctx, f.Train, p.train, n, want, o); err != nil {
			return err
		}
		if o.Train == 0 {
			if err := f.Train.eachClass(); err != nil {
				return err
			}
		}
		f.Train.Mean, f.Train.Std = moments(f.Train)
		test.Mean, test.Std = f.Train.Mean, f.Train.Std
	}
	if o.TrainOnly {
		return nil
	}
	f.Test = test
	return f.decode(ctx, f.Test, p.test, len(p.test), want, o)
}

// wanted is the side that images get. Without a request it is the side of the first image, which all
// the others must have as well.
type wanted struct {
	Decoding
	first string // path of the first image; empty if images are scaled
}

func (o Options) decoding(size int) Decoding {
	return Decoding{Size: size, IgnoreOrientation: o.IgnoreOrientation}
}

// side decides for the side of the images.
func (o Options) side(files []file) (w wanted, err error) {
	if o.Size > 0 {
		return wanted{Decoding: o.decoding(o.Size)}, nil
	}
	for _, f := range files {
		content, err := readImage(f.path)
		if err == nil {
			_, cfg, bad := inspect(content)
			if bad == nil && cfg.Width != cfg.Height {
				return w, fmt.Errorf("data: %s is %dx%d, not square: --image-size N cuts and scales all "+
					"images to NxN", f.path, cfg.Width, cfg.Height)
			}
			if bad == nil {
				return wanted{o.decoding(cfg.Width), f.path}, nil
			}
			err = &BadImageError{f.path, bad}
		}
		if !o.SkipBad || !isBad(err) {
			return w, err
		}
	}
	return w, fmt.Errorf("data: none of the %d training images can be read, the first is %s",
		len(files), files[0].path)
}

// decode fills a set with the first n usable files. Where files are left out, later ones take their
// places, in order.
func (f *Folder) decode(ctx context.Context, s *Set, files []file, n int, want wanted,
	o Options) error {
	s.Images, s.Labels = make([]uint8, n*s.Pixels()), make([]int32, 0, n)
	for s.Len() < n && len(files) > 0 {
		start := s.Len()
		part := files[:min(n-start, len(files))]
		files = files[len(part):]
		bad, warnings := make([]error, len(part)), make([]string, len(part))
		err := parallel(ctx, len(part), o.Progress, func(i int) (err error) {
			warnings[i], err = want.decode(s.Image(start+i), part[i].path)
			if o.SkipBad && isBad(err) {
				bad[i], err = err, nil
			}
			return err
		})
		if err != nil {
			return err
		}
		for i, file := range part {
			if bad[i] != nil {
				f.Bad = append(f.Bad, bad[i])
				continue
			}
			if warnings[i] != "" {
				f.Warnings = append(f.Warnings, warnings[i])
			}
			copy(s.Image(s.Len()), s.Image(start+i))
			s.Labels = append(s.Labels, file.label)
		}
	}
	s.Images = s.Images[:s.Len()*s.Pixels()]
	if s.Len() == 0 {
		return fmt.Errorf("data: %s: none of the %d images can be read", s.Name, n)
	}
	return nil
}

// decode reads one file to dst, [3, side, side].
func (w wanted) decode(dst []uint8, path string) (warning string, err error) {
	content, err := readImage(path)
	if err != nil {
		return "", err
	}
	if w.first != "" {
		_, cfg, err := inspect(content)
		if err == nil && (cfg.Width != w.Size || cfg.Height != w.Size) {
			return "", fmt.Errorf("data: %s is %dx%d, but %s is %dx%d: --image-size N cuts and scales all "+
				"images to NxN", path, cfg.Width, cfg.Height, w.first, w.Size, w.Size)
		}
	}
	pixels, warning, err := w.file(path, content)
	copy(dst, pixels)
	return warning, err
}

// eachClass refuses a set without an image of one of its classes.
func (s *Set) eachClass() error {
	for label, n := range s.count() {
		if n == 0 {
			return fmt.Errorf("data: %s: no image of class %q is left", s.Name, s.Classes[label])
		}
	}
	return nil
}

// moments gives mean and standard deviation of each channel on a scale of 0 to 1. A channel that
// does not vary gets the deviation of one step of 255, for it is divided by.
func moments(s *Set) (mean, std [Channels]float32) {
	var sum, squares [Channels]uint64
	plane := s.Size * s.Size
	for i := range s.Len() {
		img := s.Image(i)
		for c := range Channels {
			for _, v := range img[c*plane : (c+1)*plane] {
				sum[c] += uint64(v)
				squares[c] += uint64(v) * uint64(v)
			}
		}
	}
	n := float64(s.Len() * plane)
	for c := range Channels {
		m := float64(sum[c]) / n
		mean[c] = float32(m / 255)
		std[c] = float32(max(1, math.Sqrt(max(0, float64(squares[c])/n-m*m))) / 255)
	}
	return mean, std
}
