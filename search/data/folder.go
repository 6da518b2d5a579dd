package data

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// file is one labelled image of an image folder.
type file struct {
	path  string
	label int32
	order [sha256.Size]byte // of class and name; the files of a set are sorted by it
}

// parts are the files of an image folder.
type parts struct {
	classes     []string
	train, test []file
}

// openImages reads a folder with images in train/CLASS, test/CLASS and val/CLASS.
func openImages(ctx context.Context, dir string, entries []string, o Options) (*Folder, error) {
	if slices.ContainsFunc(entries, isCIFAR) {
		return nil, fmt.Errorf("data: folder %s holds both a folder train and CIFAR files, want one of "+
			"them", dir)
	}
	f := new(Folder)
	p, err := f.list(dir, entries, o)
	if err != nil {
		return nil, err
	}
	if o.TrainOnly {
		p.test = nil
	}
	if err := f.read(ctx, dir, p, o); err != nil {
		return nil, err
	}
	for _, list := range [][]error{f.Bad, f.LeftOut} {
		slices.SortFunc(list, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	}
	slices.Sort(f.Warnings)
	return f, nil
}

// noteUntested tells of classes that have training images and no test image.
func (f *Folder) noteUntested() {
	if f.Train == nil || f.Test == nil {
		return
	}
	train, test := f.Train.count(), f.Test.count()
	var names []string
	for label, name := range f.Train.Classes {
		if train[label] > 0 && test[label] == 0 {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		f.note("%d of the %d classes have no test image, so nothing is known of how well they are recognised: %s",
			len(names), len(f.Train.Classes), someOf(names))
	}
}

func isCIFAR(name string) bool {
	return name == "train.bin" || strings.HasPrefix(name, "data_batch_")
}

// list finds the files of training and test, and says which those of the test are.
func (f *Folder) list(dir string, entries []string, o Options) (*parts, error) {
	tests := slices.DeleteFunc([]string{"test", "val"}, func(part string) bool {
		return !slices.Contains(entries, part) || !isFolder(filepath.Join(dir, part))
	})
	f.noteOthers(dir, entries)
	p, err := new(parts), error(nil)
	train := filepath.Join(dir, "train")
	known := train // where the classes are read
	if !isFolder(train) {
		known = filepath.Join(dir, tests[0])
	}
	if p.classes, err = f.listClasses(known); err != nil {
		return nil, err
	}
	if len(tests) == 0 || !o.TestOnly {
		if p.train, err = f.listFiles(train, p.classes); err != nil {
			return nil, err
		}
	}
	switch {
	case len(tests) == 0:
		return p, f.divide(dir, p)
	case len(tests) == 2:
		f.note("folder %s is not used: there is a test folder, and a search splits train itself",
			filepath.Join(dir, tests[1]))
	case tests[0] == "val":
		f.note("%s has no test folder: testing on val", dir)
	}
	p.test, err = f.listFiles(filepath.Join(dir, tests[0]), p.classes)
	return p, err
}

// divide takes the test files from the training files.
func (f *Folder) divide(dir string, p *parts) error {
	p.train, p.test = holdOut(p.train, len(p.classes))
	f.note("%s has no test and no val folder: testing on a tenth of train, %d images, the same in every run",
		dir, len(p.test))
	if len(p.test) == 0 {
		return fmt.Errorf("data: %s has one image per class and no test folder: there is nothing to test on",
			filepath.Join(dir, "train"))
	}
	return nil
}

// noteOthers tells of folders that a user may take for a part of the data.
func (f *Folder) noteOthers(dir string, entries []string) {
	parts := []string{"train", "test", "val"}
	for _, entry := range entries {
		if path := filepath.Join(dir, entry); !slices.Contains(parts, entry) && isFolder(path) {
			f.note("folder %s is not used: the folders of a data set are train, val and test", path)
		}
	}
}

func (f *Folder) note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// sortByName mixes the classes: the first n files are a fair sample of all. A new file leaves the
// order of the others as it was.
func sortByName(files []file) {
	slices.SortFunc(files, func(a, b file) int { return slices.Compare(a.order[:], b.order[:]) })
}

// holdOut takes the first tenth of every class, at least one image where a class has two or more.
func holdOut(files []file, classes int) (rest, test []file) {
	count := make([]int, classes)
	for _, f := range files {
		count[f.label]++
	}
	for i, n := range count {
		count[i] = min(max(1, n/10), n-1)
	}
	for _, f := range files {
		if count[f.label] > 0 {
			count[f.label]--
			test = append(test, f)
		} else {
			rest = append(rest, f)
		}
	}
	return rest, test
}

// isBad says whether an error is one that Options.SkipBad passes over.
func isBad(err error) bool {
	var bad *BadImageError
	return errors.As(err, &bad)
}
