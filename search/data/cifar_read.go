package data

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// record is the size of one labelled image in bytes.
func (l *layout) record() int { return l.labelBytes + Channels*cifarSize*cifarSize }

// read makes one set of the records of some files.
func (l *layout) read(ctx context.Context, dir, part string, files, names []string,
	o Options) (*Set, error) {
	total := 0
	counts := make([]int, len(files))
	for i, file := range files {
		n, err := l.count(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		counts[i] = n
		total += n
	}
	if err := o.fits(dir, total, max(cifarSize, o.Size)); err != nil {
		return nil, err
	}
	s := &Set{Name: l.name + " " + part, Size: cifarSize, Classes: names,
		Labels: make([]int32, 0, total), Mean: cifarMean, Std: cifarStd}
	s.Images = make([]uint8, total*s.Pixels())
	for i, file := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := l.readFile(s, filepath.Join(dir, file), counts[i]); err != nil {
			return nil, err
		}
	}
	return s.scaled(ctx, o.Size)
}

// count is the number of records of a file, which has to hold at least one and only whole ones.
func (l *layout) count(path string) (int, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("data: %w", err)
	}
	size, record := info.Size(), int64(l.record())
	switch {
	case !info.Mode().IsRegular():
		return 0, fmt.Errorf("data: %s is not a regular file", path)
	case size == 0:
		return 0, fmt.Errorf("data: %s is empty, want records of %d bytes", path, record)
	case size%record != 0:
		return 0, fmt.Errorf("data: %s: %d bytes are not a multiple of the %s record of %d bytes: "+
			"%d whole records and %d bytes of another", path, size, l.name, record,
			size/record, size%record)
	}
	return int(size / record), nil
}

// readFile appends n records of a file to the set, whose Images are allocated already.
func (l *layout) readFile(s *Set, path string, n int) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<18)
	head := make([]byte, l.labelBytes)
	for i := range n {
		if _, err := io.ReadFull(in, head); err != nil {
			return fmt.Errorf("data: %s: record %d: %w", path, i, err)
		}
		label := int(head[l.labelBytes-1])
		if label >= len(s.Classes) {
			return l.labelError(path, i, label, len(s.Classes))
		}
		if _, err := io.ReadFull(in, s.Image(s.Len())); err != nil {
			return fmt.Errorf("data: %s: record %d: %w", path, i, err)
		}
		s.Labels = append(s.Labels, int32(label))
	}
	return nil
}

// labelError tells the two causes of a label without a class name apart: the layout's own
// range of labels decides whether the label is wrong or the list of names is too short.
func (l *layout) labelError(path string, record, label, classes int) error {
	if label < l.classes {
		return fmt.Errorf("data: %s names %d classes, too few: record %d (from 0) of %s has label %d",
			filepath.Join(filepath.Dir(path), l.names), classes, record, filepath.Base(path), label)
	}
	return fmt.Errorf("data: %s: record %d (from 0) has label %d, out of range: the %d classes of %s "+
		"are 0..%d", path, record, label, classes, l.names, classes-1)
}

// readNames reads one class name per line. The original files end in an empty line.
func readNames(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		name := strings.TrimSpace(line)
		if name == "" {
			continue
		}
		if at := slices.Index(names, name); at >= 0 {
			return nil, fmt.Errorf("data: %s: class %d and class %d are both %q", path, at, len(names),
				name)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("data: %s names no class", path)
	}
	return names, nil
}
