package data

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// idx makes an idx file: magic number, dimensions, bytes.
func idx(magic uint32, dims []uint32, content ...byte) string {
	b := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return string(append(b, content...))
}

func zipped(content string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(content))
	_ = w.Close()
	return b.String()
}

// digits is a folder like MNIST's with three training images of 2x2 and one for testing.
func digits() folder {
	return folder{
		"train-images-idx3-ubyte": idx(idxImages, []uint32{3, 2, 2}, 1, 2, 3, 4, 5, 5, 5, 5, 9, 9, 9, 9),
		"train-labels-idx1-ubyte": idx(idxLabels, []uint32{3}, 0, 2, 1),
		"t10k-images-idx3-ubyte":  idx(idxImages, []uint32{1, 2, 2}, 7, 7, 7, 7),
		"t10k-labels-idx1-ubyte":  idx(idxLabels, []uint32{1}, 3)}
}

func TestOpenIDX(t *testing.T) {
	plain := digits()
	packed, dotted := folder{}, folder{}
	for name, content := range plain {
		packed["fashion-"+name+".gz"] = zipped(content)
		dotted[strings.Replace(name, "-idx", ".idx", 1)] = content
	}
	for _, f := range []folder{plain, packed, dotted} {
		got := mustOpen(t, f.write(t), Options{})
		if !slices.Equal(got.Train.Classes, []string{"0", "1", "2", "3"}) ||
			!slices.Equal(got.Train.Labels, []int32{0, 2, 1}) || !slices.Equal(got.Test.Labels, []int32{3}) {
			t.Errorf("classes %q, labels %v and %v", got.Train.Classes, got.Train.Labels, got.Test.Labels)
		}
		if want := []uint8{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}; !slices.Equal(got.Train.Image(0), want) {
			t.Errorf("pixels %v, want %v", got.Train.Image(0), want)
		}
		if mean, _ := naiveMoments(got.Train); float32(mean[0]) != got.Test.Mean[0] {
			t.Errorf("mean %v, want %v", got.Test.Mean, mean)
		}
	}
	few := mustOpen(t, plain.write(t), Options{Train: 2, TrainOnly: true, Size: 4})
	if few.Train.Len() != 2 || few.Train.Size != 4 || few.Test != nil {
		t.Errorf("the first 2 at side 4: %d of side %d", few.Train.Len(), few.Train.Size)
	}
	plain.remove("train-")
	if test := mustOpen(t, plain.write(t), Options{TestOnly: true}); test.Train != nil || test.Test.Len() != 1 {
		t.Errorf("test alone: %+v", test)
	}
}

func TestOpenIDXBadInput(t *testing.T) {
	const images, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
	for _, c := range []struct {
		name   string
		spoil  func(folder)
		pieces []string
	}{
		{"no labels", func(f folder) { delete(f, labels) }, []string{"images or labels of", "train are missing"}},
		{"other magic", func(f folder) { f[images] = idx(idxLabels, []uint32{3, 2, 2}) },
			[]string{images, "magic number 0x00000801, want 0x00000803"}},
		{"labels of images", func(f folder) { f[labels] = f[images] }, []string{labels, "0x00000803, want 0x00000801"}},
		{"cut", func(f folder) { f[images] = f[images][:22] }, []string{"ends in image 1 of 3"}},
		{"cut head", func(f folder) { f[images] = f[images][:9] }, []string{"truncated"}},
		{"no content", func(f folder) { f[labels] = "" }, []string{"truncated"}},
		{"fewer labels", func(f folder) { f[labels] = idx(idxLabels, []uint32{2}, 0, 1) },
			[]string{"3 images, but 2 labels"}},
		{"claims labels", func(f folder) { f[labels] = idx(idxLabels, []uint32{1 << 31}, 0, 1) },
			[]string{"has 2 labels, its header says 2147483648"}},
		{"wide", func(f folder) { f[images] = idx(idxImages, []uint32{3, 2, 3}) }, []string{"images of 3x2"}},
		{"huge", func(f folder) { f[images] = idx(idxImages, []uint32{3, 1 << 20, 1 << 20}) },
			[]string{"want squares of a side up to"}},
		{"no gzip", func(f folder) { f[images+".gz"] = "x"; delete(f, images) }, []string{".gz"}},
		{"one class", func(f folder) {
			f[labels] = idx(idxLabels, []uint32{3}, 0, 0, 0)
			f["t10k-labels-idx1-ubyte"] = idx(idxLabels, []uint32{1}, 0)
		}, []string{"one class"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := digits()
			c.spoil(f)
			_, err := Open(context.Background(), f.write(t), Options{})
			wantError(t, err, c.pieces...)
		})
	}
}

// TestHints: what users give instead of a folder of data, and what they are told.
func TestHints(t *testing.T) {
	for _, c := range []struct {
		name  string
		f     folder
		piece string
	}{
		{"CIFAR-100 for Python", folder{"train": "x", "test": "x", "meta": "x"}, "holds the Python version of CIFAR"},
		{"its parent", folder{"cifar-100-python/train": "x", "cifar-100-python/meta": "x"},
			"its folder cifar-100-python holds the Python version"},
		{"parent of CIFAR-10 for Python", folder{"cifar-10-batches-py/data_batch_1": "x"},
			"its folder cifar-10-batches-py holds the Python version"},
		{"parent of the binary version", folder{"any/data_batch_1.bin": "x"}, "did you mean its folder any?"},
		{"parent of MNIST", folder{"raw/train-images-idx3-ubyte": "x"}, "did you mean its folder raw?"},
		{"an archive inside", folder{"cifar-100-binary.tar.gz": "x"}, "tar -xf cifar-100-binary.tar.gz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(context.Background(), c.f.write(t), Options{})
			wantError(t, err, c.piece)
		})
	}
	dir := folder{"set.tar.gz": "x", "set.zip": "x"}.write(t)
	_, err := Open(context.Background(), dir+"/set.tar.gz", Options{})
	wantError(t, err, "is a file, want a folder; unpack the archive (tar -xf set.tar.gz)")
	_, err = Open(context.Background(), dir+"/set.zip", Options{})
	wantError(t, err, "unzip set.zip")
}
