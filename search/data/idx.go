package data

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Magic numbers of the idx files of MNIST and its followers: unsigned bytes in three dimensions and in one.
const (
	idxImages = 0x00000803
	idxLabels = 0x00000801
)

// idxPart is a pair of files.
type idxPart struct{ images, labels string }

// findIDX finds the pairs of training and test by their names: train-images-idx3-ubyte as MNIST has it, with
// anything before it, a dot for the last dash but one, and .gz behind.
func findIDX(files []string) (train, test idxPart, found bool) {
	pick := func(part, kind string) string {
		at := slices.IndexFunc(files, func(file string) bool {
			name := strings.ReplaceAll(strings.TrimSuffix(file, ".gz"), ".", "-")
			return visible(file) && strings.HasSuffix(name, part+"-"+kind)
		})
		if at < 0 {
			return ""
		}
		return files[at]
	}
	both := func(name string) idxPart {
		return idxPart{pick(name, "images-idx3-ubyte"), pick(name, "labels-idx1-ubyte")}
	}
	train, test = both("train"), both("t10k")
	if test.images == "" {
		test = both("test")
	}
	return train, test, train.images != "" || test.images != ""
}

// openIDX reads a folder of MNIST-style files. Their images become grey RGB, their classes have numbers for
// names.
func openIDX(ctx context.Context, dir string, train, test idxPart, o Options) (*Folder, error) {
	f, name := new(Folder), filepath.Base(filepath.Clean(dir))
	var err error
	if !o.TestOnly {
		if f.Train, err = readIDX(ctx, dir, name+" train", train, o); err != nil {
			return nil, err
		}
	}
	if !o.TrainOnly {
		if f.Test, err = readIDX(ctx, dir, name+" test", test, o); err != nil {
			return nil, err
		}
	}
	f.nameNumbers()
	if f.Train == nil {
		return f, nil
	}
	if len(f.Train.Classes) < 2 {
		return nil, fmt.Errorf("data: %s has one class, want at least 2", filepath.Join(dir, train.labels))
	}
	if o.Train > 0 {
		f.Train = f.Train.Head(o.Train)
	}
	f.Train.Mean, f.Train.Std = moments(f.Train)
	if f.Test != nil {
		f.Test.Mean, f.Test.Std = f.Train.Mean, f.Train.Std
	}
	return f, nil
}

// nameNumbers gives both sets the classes that their labels need.
func (f *Folder) nameNumbers() {
	top := int32(0)
	var sets []*Set
	for _, s := range []*Set{f.Train, f.Test} {
		if s != nil {
			sets, top = append(sets, s), max(top, slices.Max(s.Labels))
		}
	}
	names := make([]string, top+1)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	for _, s := range sets {
		s.Classes = names
	}
}

// readIDX reads one part.
func readIDX(ctx context.Context, dir, name string, p idxPart, o Options) (*Set, error) {
	if p.images == "" || p.labels == "" {
		return nil, fmt.Errorf("data: folder %s: images or labels of %s are missing, want "+
			"train-images-idx3-ubyte, train-labels-idx1-ubyte and the same for t10k", dir, name)
	}
	labels, err := readIDXLabels(filepath.Join(dir, p.labels))
	if err != nil {
		return nil, err
	}
	s := &Set{Name: name, Labels: labels, Std: [Channels]float32{1, 1, 1}}
	err = withIDX(filepath.Join(dir, p.images), func(in io.Reader) error {
		var head [4]uint32
		if err := binary.Read(in, binary.BigEndian, &head); err != nil {
			return err
		}
		n, rows, columns := head[1], head[2], head[3]
		switch {
		case head[0] != idxImages:
			return fmt.Errorf("magic number %#08x, want %#08x: bytes in three dimensions", head[0], idxImages)
		case rows != columns || rows < 1 || rows > maxSide:
			return fmt.Errorf("images of %dx%d, want squares of a side up to %d", columns, rows, maxSide)
		case int64(n) != int64(len(labels)):
			return fmt.Errorf("%d images, but %d labels in %s", n, len(labels), p.labels)
		}
		s.Size = int(rows)
		if err := o.fits(dir, len(labels), max(s.Size, o.Size)); err != nil {
			return err
		}
		return s.readGrey(in)
	})
	if err != nil {
		return nil, err
	}
	return s.scaled(ctx, o.Size)
}

// readGrey appends the pixels of all images. They are stored as they come: what the header claims may not be
// there.
func (s *Set) readGrey(in io.Reader) error {
	plane := make([]uint8, s.Size*s.Size)
	for i := range s.Labels {
		if _, err := io.ReadFull(in, plane); err != nil {
			return fmt.Errorf("ends in image %d of %d", i, s.Len())
		}
		for range Channels {
			s.Images = append(s.Images, plane...)
		}
	}
	return nil
}

func readIDXLabels(path string) (labels []int32, err error) {
	err = withIDX(path, func(in io.Reader) error {
		var head [2]uint32
		if err := binary.Read(in, binary.BigEndian, &head); err != nil {
			return err
		}
		if head[0] != idxLabels {
			return fmt.Errorf("magic number %#08x, want %#08x: bytes in one dimension", head[0], idxLabels)
		}
		content, err := io.ReadAll(io.LimitReader(in, int64(head[1])))
		if err != nil {
			return err
		}
		if len(content) == 0 || len(content) < int(head[1]) {
			return fmt.Errorf("has %d labels, its header says %d", len(content), head[1])
		}
		for _, label := range content {
			labels = append(labels, int32(label))
		}
		return nil
	})
	return labels, err
}

// withIDX shows the content of a file, unpacked where its name ends in .gz, and names it in errors.
func withIDX(path string, read func(io.Reader) error) error {
	err := func() error {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return errors.New("not a regular file")
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in := io.Reader(bufio.NewReaderSize(f, 1<<18))
		if strings.HasSuffix(path, ".gz") {
			if in, err = gzip.NewReader(in); err != nil {
				return err
			}
		}
		return read(in)
	}()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file is truncated")
	}
	return badImage(path, err)
}
