package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Options say how a folder is read. The zero value reads everything as it is.
type Options struct {
	Size      int  // side that images are scaled to; 0 for their own
	Train     int  // the first N training images; 0 for all
	TrainOnly bool // leave Folder.Test nil
	TestOnly  bool // leave Folder.Train nil and its images unread; the test set is not normalised
	SkipBad   bool // leave files out that are no usable images, instead of failing
	// IgnoreOrientation is that of Decoding.
	IgnoreOrientation bool
	// Memory is what the pixels may take in bytes; 0 for no limit.
	Memory int64
	// Progress is told how many images of the set being read are done. May be nil.
	Progress func(done, total int)
}

// Folder is what a folder of data holds.
type Folder struct {
	Train, Test *Set
	Notes       []string // what the user should know about how it was read, a line each
	Warnings    []string // images that were read though something was wrong with them, by path
	LeftOut     []error  // the files that were not taken for images, each a *BadImageError, by path
	Bad         []error  // the images that were left out, each a *BadImageError, by path
}

const understood = "understood are image folders (train/CLASS/*.png and others), " +
	"CIFAR-10 (data_batch_*.bin, test_batch.bin, batches.meta.txt) and " +
	"CIFAR-100 (train.bin, test.bin, fine_label_names.txt), binary version, " +
	"and idx files as MNIST has them (train-images-idx3-ubyte, .gz or not)"

// Open reads the training and the test set of a folder, whose layout it recognises by the names in
// it: a CIFAR binary version, MNIST-style idx files, or images in train/CLASS, test/CLASS and val/CLASS. Errors are one
// line and name the file and the numbers that do not fit; cancelling ctx ends the reading with its
// error.
//
// CIFAR-10 may have any number of data_batch_N.bin; they are read in the order of N. CIFAR-100 is
// read with its fine labels.
//
// In an image folder the classes are the folders of train, sorted. The images of all classes are
// mixed, in an order that depends on their names alone, as does everything else: two readings give
// the same bits. Without test, val is the test set; without both, a tenth of every class of train
// is. With both, val is left alone. Mean and Std are those of the training images.
func Open(ctx context.Context, dir string, o Options) (*Folder, error) {
	if o.Size < 0 || o.Size > maxSide || o.Train < 0 {
		return nil, fmt.Errorf("data: image side %d and %d training images: want 0..%d and at least 0",
			o.Size, o.Train, maxSide)
	}
	files, err := list(dir)
	if err != nil {
		return nil, err
	}
	f, err := open(ctx, dir, files, o)
	if err != nil {
		return nil, err
	}
	f.noteUntested()
	return f, nil
}

// open reads a folder with these entries.
func open(ctx context.Context, dir string, files []string, o Options) (*Folder, error) {
	need := []string{"train"}
	if o.TestOnly {
		need = []string{"train", "test", "val"}
	}
	if slices.ContainsFunc(need, func(part string) bool { return isFolder(filepath.Join(dir, part)) }) {
		return openImages(ctx, dir, files, o)
	}
	if train, test, found := findIDX(files); found {
		return openIDX(ctx, dir, train, test, o)
	}
	return openCIFAR(ctx, dir, files, o)
}

// fits refuses images that the memory cannot hold.
func (o Options) fits(dir string, images, size int) error {
	need := int64(images) * Channels * int64(size) * int64(size)
	if o.Memory == 0 || need <= o.Memory {
		return nil
	}
	const gib = 1 << 30
	return fmt.Errorf("data: %s: %d images of %dx%d need %.1f GiB of memory, %.1f GiB are free", dir,
		images, size, size, float64(need)/gib, float64(o.Memory)/gib)
}

// list gives the names of everything in the folder, sorted.
func list(dir string) ([]string, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("data: folder %s: %w", dir, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("data: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("data: %s is a file, want a folder%s; %s", dir, unpack(filepath.Base(dir)), understood)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("data: folder %s is empty; %s", dir, understood)
	}
	files := make([]string, len(entries))
	for i, entry := range entries {
		files[i] = entry.Name()
	}
	return files, nil
}

// isFolder follows links: data sets are often made of them.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
