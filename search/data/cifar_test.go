package data

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folder is the content of a data folder: name to bytes.
type folder map[string]string

func (f folder) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range f {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// records makes images of one colour each, which is the label's, in the CIFAR-10 layout.
func records(labels ...byte) string {
	var b strings.Builder
	for _, label := range labels {
		b.WriteByte(label)
		for c := range Channels {
			b.WriteString(strings.Repeat(string([]byte{label*3 + byte(c)}), cifarSize*cifarSize))
		}
	}
	return b.String()
}

const tenNames = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"

func ten() folder {
	return folder{"data_batch_1.bin": records(1, 2), "data_batch_2.bin": records(3),
		"data_batch_10.bin": records(4, 9), "test_batch.bin": records(5, 0), "batches.meta.txt": tenNames,
		"readme.html": "not looked at"}
}

func hundred() folder {
	// The coarse label, here 77, comes first and is not used.
	return folder{"train.bin": "\x4d" + records(2) + "\x4d" + records(1),
		"test.bin": "\x4d" + records(0), "fine_label_names.txt": "apple\r\nbee\r\ncat\r\n",
		"coarse_label_names.txt": "thing\n"}
}

func TestOpenCIFAR10(t *testing.T) {
	train, test, err := openBoth(ten().write(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := []int32{1, 2, 3, 4, 9}; !slices.Equal(train.Labels, want) {
		t.Errorf("training labels %v, want %v: files in the order 1, 2, 10", train.Labels, want)
	}
	wantColours(t, train)
	wantColours(t, test)
	if test.Len() != 2 || len(test.Classes) != 10 || test.Classes[9] != "j" || test.Size != 32 {
		t.Errorf("test set of %d images, classes %q, size %d", test.Len(), test.Classes, test.Size)
	}
	if train.Name != "cifar-10 train" || train.Mean != cifarMean || train.Std != cifarStd {
		t.Errorf("name %q, mean %v, std %v", train.Name, train.Mean, train.Std)
	}
}

func TestOpenCIFAR100(t *testing.T) {
	train, test, err := openBoth(hundred().write(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := []int32{2, 1}; !slices.Equal(train.Labels, want) {
		t.Errorf("training labels %v, want the fine ones, %v", train.Labels, want)
	}
	if want := []string{"apple", "bee", "cat"}; !slices.Equal(train.Classes, want) {
		t.Errorf("classes %q, want %q", train.Classes, want)
	}
	wantColours(t, train)
	wantColours(t, test)
}

// wantColours checks the pixels of images that records made.
func wantColours(t *testing.T, s *Set) {
	t.Helper()
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	for i := range s.Len() {
		for at, v := range s.Image(i) {
			if want := uint8(s.Labels[i]*3) + uint8(at/(cifarSize*cifarSize)); v != want {
				t.Fatalf("%s: image %d, byte %d is %d, want %d", s.Name, i, at, v, want)
			}
		}
	}
}

func TestOpenBadInput(t *testing.T) {
	cases := []struct {
		name   string
		base   func() folder
		spoil  func(folder)
		pieces []string
	}{
		{"empty folder", ten, func(f folder) { clear(f) },
			[]string{"is empty", "CIFAR-10 (data_batch_*.bin", "CIFAR-100 (train.bin"}},
		{"other files", ten, func(f folder) { clear(f); f["notes"] = "x" },
			[]string{"no training file", "CIFAR-10 (data_batch_*.bin"}},
		{"parent folder", ten, func(f folder) { clear(f); f["cifar-100-binary"] = "" },
			[]string{"did you mean its folder cifar-100-binary"}},
		{"python version", ten, func(f folder) { clear(f); f["data_batch_1"] = "x" },
			[]string{"Python version", "binary version"}},
		{"only a test file", ten, func(f folder) { clear(f); f["test.bin"] = "x" },
			[]string{"test.bin but no training file"}},
		{"both", ten, func(f folder) { f["train.bin"] = "x" },
			[]string{"both", "data_batch_1.bin", "train.bin"}},
		{"number", ten, func(f folder) { f["data_batch_two.bin"] = "x" },
			[]string{"data_batch_two.bin", "want a number", `"two"`}},
		{"cut", ten, func(f folder) { f["data_batch_2.bin"] = records(1, 2, 3)[:7000] },
			[]string{"data_batch_2.bin", "7000 bytes", "record of 3073 bytes",
				"2 whole records", "854 bytes"}},
		{"cut 100", hundred, func(f folder) { f["test.bin"] = f["test.bin"][:3073] },
			[]string{"test.bin", "3073 bytes", "record of 3074 bytes", "0 whole records"}},
		{"empty file", ten, func(f folder) { f["test_batch.bin"] = "" },
			[]string{"test_batch.bin is empty", "3073"}},
		{"label", ten, func(f folder) { f["data_batch_10.bin"] = records(1, 10) },
			[]string{"data_batch_10.bin", "record 1 (from 0)", "label 10",
				"out of range", "10 classes", "0..9"}},
		{"label of the test", hundred, func(f folder) { f["test.bin"] = "\x00" + records(100) },
			[]string{"test.bin", "record 0 (from 0)", "label 100", "out of range", "3 classes"}},
		{"few names", ten, func(f folder) { f["batches.meta.txt"] = "a\nb\nc\n" },
			[]string{"batches.meta.txt names 3 classes", "too few",
				"record 0 (from 0) of data_batch_2.bin", "label 3"}},
		{"few names 100", hundred, func(f folder) { f["fine_label_names.txt"] = "a\nb\n" },
			[]string{"fine_label_names.txt names 2 classes", "train.bin has label 2"}},
		{"no names", ten, func(f folder) { f["batches.meta.txt"] = "\n \n" },
			[]string{"batches.meta.txt names no class"}},
		{"same names", ten, func(f folder) { f["batches.meta.txt"] = "a\nb\na\n" },
			[]string{"class 0 and class 2", `"a"`}},
		{"no test file", ten, func(f folder) { delete(f, "test_batch.bin") },
			[]string{"test_batch.bin is missing", "cifar-10"}},
		{"no test file 100", hundred, func(f folder) { delete(f, "test.bin") },
			[]string{"test.bin is missing", "cifar-100"}},
		{"no name file", hundred, func(f folder) { delete(f, "fine_label_names.txt") },
			[]string{"fine_label_names.txt is missing"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := c.base()
			c.spoil(f)
			train, test, err := openBoth(f.write(t))
			wantError(t, err, c.pieces...)
			if train != nil || test != nil {
				t.Error("a set comes with the error")
			}
		})
	}
}

func TestOpenNoFolder(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "nowhere")
	_, _, err := openBoth(missing)
	wantError(t, err, missing, "does not exist")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v is not fs.ErrNotExist", err)
	}
	file := filepath.Join(folder{"cifar.tar.gz": "x"}.write(t), "cifar.tar.gz")
	_, _, err = openBoth(file)
	wantError(t, err, "is a file, want a folder")
}

func TestOpenFolderInPlaceOfFile(t *testing.T) {
	f := ten()
	delete(f, "test_batch.bin")
	dir := f.write(t)
	if err := os.Mkdir(filepath.Join(dir, "test_batch.bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, _, err := openBoth(dir)
	wantError(t, err, "test_batch.bin is not a regular file")
}

func TestOpenRealCIFAR(t *testing.T) {
	cases := []struct {
		dir                  string
		train, test, classes int
		first, last          string
	}{
		{"cifar-10-batches-bin", 20000, 5000, 10, "airplane", "truck"},
		{"cifar-100-binary", 1117, 916, 100, "apple", "worm"},
	}
	root := sharedData(t)
	for _, c := range cases {
		t.Run(c.dir, func(t *testing.T) {
			train, test, err := openBoth(filepath.Join(root, c.dir))
			if err != nil {
				t.Fatal(err)
			}
			if train.Len() != c.train || test.Len() != c.test || len(train.Classes) != c.classes {
				t.Errorf("%d and %d images of %d classes, want %d and %d of %d", train.Len(), test.Len(),
					len(train.Classes), c.train, c.test, c.classes)
			}
			if train.Classes[0] != c.first || train.Classes[c.classes-1] != c.last {
				t.Errorf("classes %q .. %q", train.Classes[0], train.Classes[c.classes-1])
			}
			mean, std := naiveMoments(train)
			for k := range Channels {
				// The stored constants are those of all 50,000 images of CIFAR-10.
				if d := mean[k] - float64(cifarMean[k]); d > .03 || d < -.03 {
					t.Errorf("channel %d: mean %.4f, constant %.4f", k, mean[k], cifarMean[k])
				}
				if d := std[k] - float64(cifarStd[k]); d > .03 || d < -.03 {
					t.Errorf("channel %d: std %.4f, constant %.4f", k, std[k], cifarStd[k])
				}
			}
		})
	}
}
