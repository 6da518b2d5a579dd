package data

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"zos-ort/graphgen/check"
)

// budget of a decoded pixel: planes and their copies, the picture, the square.
const bytesOfPixel = 40

// FuzzDecode: whatever a file holds, it gives an image of the wanted side or an error.
func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"*.jpg", "*.webp", "*.gif", "*.tiff", "*.bmp", "turn6.png"} {
		files, err := filepath.Glob(filepath.Join("testdata", "pixels", pattern))
		if err != nil || len(files) == 0 {
			f.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files[:min(len(files), 6)] {
			f.Add(check.Must(os.ReadFile(file))(f))
		}
	}
	f.Add(bomb(f, 1000, 1000))
	f.Add([]byte("\xff\xd8\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		_, cfg, err := inspect(content)
		pixels := 0
		if err == nil {
			if pixels = cfg.Width * cfg.Height; pixels > 1<<20 {
				t.Skip("too large to be quick")
			}
		}
		check.Bounded(t, len(content), bytesOfPixel*pixels, func() {
			pixels, _, err := Decoding{Size: 4}.decode(content)
			if (err == nil) != (len(pixels) == Channels*4*4) {
				t.Errorf("%d bytes and error %v", len(pixels), err)
			}
		})
	})
}

// openFuzzed reads a folder with these files. What is read is a whole set.
func openFuzzed(t *testing.T, f folder, o Options) {
	t.Helper()
	dir, size := f.write(t), 0
	for _, content := range f {
		size += len(content)
	}
	// Packed bytes are declared by their container: deflate makes 1032 of one at most.
	check.Bounded(t, size, 1100*size, func() {
		got, err := Open(context.Background(), dir, o)
		if err != nil {
			wantError(t, err)
			return
		}
		for _, s := range []*Set{got.Train, got.Test} {
			if s == nil {
				continue
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzIDX: any idx files give sets or an error, plain and packed.
func FuzzIDX(f *testing.F) {
	d := digits()
	images, labels := d["train-images-idx3-ubyte"], d["train-labels-idx1-ubyte"]
	f.Add([]byte(images), []byte(labels), false)
	f.Add([]byte(images), []byte(labels), true)
	f.Add([]byte(idx(idxImages, []uint32{1 << 31, 2, 2})), []byte(idx(idxLabels, []uint32{1 << 31})), false)
	f.Fuzz(func(t *testing.T, images, labels []byte, packed bool) {
		d := digits()
		if packed {
			d.remove("train-")
			d["train-images-idx3-ubyte.gz"], d["train-labels-idx1-ubyte.gz"] = zipped(string(images)), string(labels)
		} else {
			d["train-images-idx3-ubyte"], d["train-labels-idx1-ubyte"] = string(images), string(labels)
		}
		openFuzzed(t, d, Options{})
	})
}

// FuzzCIFAR: any names, and records of any labels and lengths, give sets or an error.
func FuzzCIFAR(f *testing.F) {
	f.Add(tenNames, []byte{1, 2}, 0, false)
	f.Add("a\na\n", []byte{0}, 1, false)
	f.Add("apple\r\nbee\n\n", []byte{1, 0, 255}, -1, true)
	f.Fuzz(func(t *testing.T, names string, labels []byte, more int, hundred bool) {
		d, prefix := ten(), ""
		if hundred {
			d, prefix = folder{}, "\x07"
		}
		content := ""
		for _, label := range labels[:min(len(labels), 8)] {
			content += prefix + records(label)
		}
		content += "xyz"[:min(3, max(0, more))]
		content = content[:max(0, len(content)+min(0, max(more, -10)))]
		if hundred {
			d["train.bin"], d["test.bin"], d["fine_label_names.txt"] = content, prefix+records(0), names
		} else {
			d["data_batch_1.bin"], d["batches.meta.txt"] = content, names
		}
		openFuzzed(t, d, Options{})
	})
}

// FuzzOrientation: any notes of a camera in any container say 1 to 8.
func FuzzOrientation(f *testing.F) {
	for _, file := range []string{"turn6.png", "turn8.webp", "turn3.jpg", "deflate.tiff"} {
		f.Add(check.Must(os.ReadFile(filepath.Join("testdata", "pixels", file)))(f))
	}
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		check.Bounded(t, len(content), 0, func() {
			for _, notes := range [][]byte{content, exifOfJPEG(content), exifOfPNG(content), exifOfWebP(content)} {
				if got := orientation(notes); got < 1 || got > 8 {
					t.Errorf("orientation %d", got)
				}
			}
		})
	})
}
