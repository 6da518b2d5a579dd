package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Normalisation of the CIFAR sets: per-channel mean and standard deviation of the CIFAR-10
// training images on a scale of 0 to 1 (FACTS.md 5, used for CIFAR-100 as well, as DARTS does).
var (
	cifarMean = [Channels]float32{.4914, .4822, .4465}
	cifarStd  = [Channels]float32{.2470, .2435, .2616}
)

const cifarSize = 32

// layout is one of the binary layouts of https://www.cs.toronto.edu/~kriz/cifar.html.
type layout struct {
	name       string
	labelBytes int // bytes before the pixels; the last of them is the label
	classes    int // number of classes of the original data
	names      string
	test       string
}

var (
	cifar10 = layout{name: "cifar-10", labelBytes: 1, classes: 10,
		names: "batches.meta.txt", test: "test_batch.bin"}
	cifar100 = layout{name: "cifar-100", labelBytes: 2, classes: 100,
		names: "fine_label_names.txt", test: "test.bin"}
)

const understood = "understood are CIFAR-10 (data_batch_*.bin, test_batch.bin, " +
	"batches.meta.txt) and CIFAR-100 (train.bin, test.bin, fine_label_names.txt), binary version"

// Open reads the training and the test set of a folder in one of the CIFAR binary layouts, which
// it recognises by the file names. CIFAR-10 may have any number of data_batch_N.bin; they are
// read in the order of N. CIFAR-100 is read with its fine labels. Errors are one line and name the
// file and the numbers that do not fit.
func Open(dir string) (train, test *Set, err error) {
	files, err := list(dir)
	if err != nil {
		return nil, nil, err
	}
	l, parts, err := detect(dir, files)
	if err != nil {
		return nil, nil, err
	}
	for _, need := range []string{l.names, l.test} {
		if !slices.Contains(files, need) {
			return nil, nil, fmt.Errorf("data: %s: %s is missing in this %s folder", dir, need, l.name)
		}
	}
	names, err := readNames(filepath.Join(dir, l.names))
	if err != nil {
		return nil, nil, err
	}
	if train, err = l.read(dir, "train", parts, names); err != nil {
		return nil, nil, err
	}
	if test, err = l.read(dir, "test", []string{l.test}, names); err != nil {
		return nil, nil, err
	}
	return train, test, nil
}

// list gives the names of everything in the folder.
func list(dir string) ([]string, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("data: folder %s: %w", dir, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("data: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("data: %s is a file, want a folder; %s", dir, understood)
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

// detect decides for a layout and gives its training files in reading order.
func detect(dir string, files []string) (*layout, []string, error) {
	batches, err := batchFiles(dir, files)
	if err != nil {
		return nil, nil, err
	}
	ten := len(batches) > 0
	hundred := slices.Contains(files, "train.bin")
	switch {
	case ten && hundred:
		return nil, nil, fmt.Errorf("data: folder %s holds both CIFAR-10 (%s) and CIFAR-100 "+
			"(train.bin), want one of them", dir, batches[0])
	case ten:
		return &cifar10, batches, nil
	case hundred:
		return &cifar100, []string{"train.bin"}, nil
	case slices.Contains(files, "data_batch_1"), slices.Contains(files, "fine_label_names"):
		return nil, nil, fmt.Errorf("data: folder %s holds the Python version of CIFAR; %s",
			dir, understood)
	}
	for _, l := range []layout{cifar10, cifar100} {
		if slices.Contains(files, l.test) {
			return nil, nil, fmt.Errorf("data: folder %s has the test file %s but no training file; %s",
				dir, l.test, understood)
		}
	}
	return nil, nil, fmt.Errorf("data: folder %s has no training file; %s%s", dir, understood,
		hint(files))
}

// hint points at the folder inside, where an archive was unpacked and its parent was given.
func hint(files []string) string {
	for _, inner := range []string{"cifar-10-batches-bin", "cifar-100-binary"} {
		if slices.Contains(files, inner) {
			return "; did you mean its folder " + inner + "?"
		}
	}
	return ""
}

// batchFiles picks the data_batch_N.bin and orders them by N: 10 comes after 2.
func batchFiles(dir string, files []string) ([]string, error) {
	number := map[string]int{}
	var batches []string
	for _, file := range files {
		text, found := strings.CutPrefix(file, "data_batch_")
		text, bin := strings.CutSuffix(text, ".bin")
		if !found || !bin {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("data: %s: want a number after data_batch_, have %q",
				filepath.Join(dir, file), text)
		}
		number[file] = int(n)
		batches = append(batches, file)
	}
	// The folder's listing is sorted by name, which settles data_batch_1 against data_batch_01.
	slices.SortStableFunc(batches, func(a, b string) int { return number[a] - number[b] })
	return batches, nil
}
