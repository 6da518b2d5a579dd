package data

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Normalisation of the CIFAR sets: per-channel mean and standard deviation of the CIFAR-10
// training images on a scale of 0 to 1 (DARTS uses them for CIFAR-100 as well).
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

// openCIFAR reads a folder in one of the CIFAR binary layouts.
func openCIFAR(ctx context.Context, dir string, files []string, o Options) (*Folder, error) {
	l, parts, err := detect(dir, files, o)
	if err != nil {
		return nil, err
	}
	for _, need := range []string{l.names, l.test} {
		if !slices.Contains(files, need) {
			return nil, fmt.Errorf("data: %s: %s is missing in this %s folder", dir, need, l.name)
		}
	}
	names, err := readNames(filepath.Join(dir, l.names))
	if err != nil {
		return nil, err
	}
	f := new(Folder)
	if !o.TestOnly {
		if f.Train, err = l.read(ctx, dir, "train", parts, names, o); err != nil {
			return nil, err
		}
		if o.Train > 0 {
			f.Train = f.Train.Head(o.Train)
		}
	}
	if !o.TrainOnly {
		if f.Test, err = l.read(ctx, dir, "test", []string{l.test}, names, o); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// detect decides for a layout and gives its training files in reading order.
func detect(dir string, files []string, o Options) (*layout, []string, error) {
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
	case isPython(files):
		return nil, nil, fmt.Errorf("data: folder %s holds the Python version of CIFAR, want the binary version "+
			"(cifar-10-binary.tar.gz, cifar-100-binary.tar.gz); %s", dir, understood)
	}
	for _, l := range []layout{cifar10, cifar100} {
		if slices.Contains(files, l.test) {
			if o.TestOnly {
				return &l, nil, nil
			}
			return nil, nil, fmt.Errorf("data: folder %s has the test file %s but no training file; %s",
				dir, l.test, understood)
		}
	}
	return nil, nil, fmt.Errorf("data: folder %s has no training file and no folder train; %s%s", dir,
		understood, hint(dir, files))
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
