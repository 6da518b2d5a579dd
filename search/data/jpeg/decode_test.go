package jpeg

import (
	"bytes"
	"errors"
	"image"
	stdlib "image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sample is a file whose pixels the package data compares with those of libjpeg-turbo.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "testdata", "pixels", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestTruncated: however a file is cut within its image data, it gives an error and not half an image.
func TestTruncated(t *testing.T) {
	for _, name := range []string{"420-19x13.jpg", "restart1.jpg", "grey.jpg", "cmyk.jpg"} {
		whole := sample(t, name)
		for n := range len(whole) - 4 {
			if _, _, err := Decode(whole[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes give an image", name, n, len(whole))
			}
		}
	}
	if _, _, err := Decode(sample(t, "grey.jpg")[:200]); !errors.Is(err, ErrTruncated) {
		t.Errorf("got %v, want ErrTruncated", err)
	}
}

// TestProgressiveCutBetweenScans: what is there would be a blurred image.
func TestProgressiveCutBetweenScans(t *testing.T) {
	for _, name := range []string{"progressive.jpg", "restart3.jpg"} {
		whole := sample(t, name)
		var scans []int
		for at := range whole[:len(whole)-1] {
			if whole[at] == 0xff && whole[at+1] == sos {
				scans = append(scans, at)
			}
		}
		if len(scans) < 5 {
			t.Fatalf("%s has %d scans", name, len(scans))
		}
		for _, at := range scans {
			if _, _, err := Decode(whole[:at]); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s, cut at byte %d: got %v, want ErrTruncated", name, at, err)
			}
		}
		if _, warning, err := Decode(whole[:len(whole)-2]); err != nil || warning == "" {
			t.Errorf("%s without its end marker: error %v, warning %q", name, err, warning)
		}
	}
}

// TestRefusals: what is no baseline or progressive image of 8 bits is refused with its reason.
func TestRefusals(t *testing.T) {
	good := sample(t, "444-16x16.jpg")
	frame := bytes.Index(good, []byte{0xff, sof0})
	scan := bytes.Index(good, []byte{0xff, sos})
	change := func(at int, b byte) []byte {
		c := bytes.Clone(good)
		c[at] = b
		return c
	}
	for _, c := range []struct {
		name    string
		content []byte
		piece   string
	}{
		{"nothing", nil, "no start marker"},
		{"arithmetic", change(frame+1, 0xc9), "arithmetic"},
		{"lossless", change(frame+1, 0xc3), "lossless"},
		{"12 bits", change(frame+4, 12), "12 bits a sample"},
		{"no height", func() []byte { b := change(frame+5, 0); b[frame+6] = 0; return b }(), "image of 16x0"},
		{"two components", change(frame+9, 2), "wrong length"},
		{"sampling of 3 to 2", func() []byte { b := change(frame+11, 0x31); b[frame+14] = 0x21; return b }(),
			"sampling 2x1 of 3x1"},
		{"two frames", append(bytes.Clone(good[:scan]), good[frame:]...), "two frame headers"},
		{"unknown component", change(scan+5, 77), "damaged scan header"},
		{"component twice", change(scan+7, good[scan+5]), "a component twice"},
		{"no tables", append(bytes.Clone(good[:2]), good[frame:]...), "a quantisation table is missing"},
	} {
		if _, _, err := Decode(c.content); err == nil || !strings.Contains(err.Error(), c.piece) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.piece)
		}
	}
}

// TestManyScans: a small file cannot ask for work without end.
func TestManyScans(t *testing.T) {
	good := sample(t, "grey.jpg")
	scan := good[bytes.Index(good, []byte{0xff, sos}) : len(good)-2]
	_, _, err := Decode(append(bytes.Clone(good[:len(good)-2]), bytes.Repeat(scan, maxScans)...))
	if err == nil || !strings.Contains(err.Error(), "more than 500 scans") {
		t.Errorf("got %v", err)
	}
}

// segment is a marker with its content.
func segment(marker byte, content ...byte) []byte {
	n := len(content) + 2
	return append([]byte{0xff, marker, byte(n >> 8), byte(n)}, content...)
}

// TestManyBlocks: nor can one with few bytes for many blocks, of which a run of 32767 says that they stay as they
// are.
func TestManyBlocks(t *testing.T) {
	lengths := append([]byte{1}, make([]byte, 15)...) // one code, of one bit
	f := slices.Concat([]byte{0xff, soi}, segment(dqt, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...),
		segment(dht, slices.Concat([]byte{0x00}, lengths, []byte{0x00})...),
		segment(dht, slices.Concat([]byte{0x10}, lengths, []byte{0xe0})...),
		segment(sof2, 8, 0x20, 0, 0x20, 0, 1, 1, 0x11, 0), segment(sos, 1, 1, 0, 0, 0, 0), make([]byte, 1<<20/8))
	// The code 0 and fourteen ones, 33 times, with stuffed bytes.
	run := bytes.ReplaceAll(bytes.Repeat([]byte{0x7f, 0xfe, 0xff, 0xfd, 0xff, 0xfb, 0xff, 0xf7, 0xff, 0xef, 0xff, 0xdf,
		0xff, 0xbf, 0xff}, 5), []byte{0xff}, []byte{0xff, 0})
	for range 60 {
		f = slices.Concat(f, segment(sos, 1, 1, 0, 1, 63, 0), run)
	}
	_, _, err := Decode(append(f, 0xff, eoi))
	if err == nil || !strings.Contains(err.Error(), "more than 52428800 blocks") {
		t.Errorf("got %v", err)
	}
}

// A header can claim gigabytes, which are not taken.
func TestLargeFrame(t *testing.T) {
	f := slices.Concat([]byte{0xff, soi}, segment(sof2, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0))
	if _, _, err := Decode(f); err == nil || !strings.Contains(err.Error(), "65535x65535 is larger than 5242880 blocks") {
		t.Errorf("got %v", err)
	}
}

// FuzzDecode: any bytes give an image or an error. What the standard library reads too has its size.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"444-16x16.jpg", "420-5x5.jpg", "411-19x13.jpg", "440-16x16.jpg", "progressive.jpg",
		"restart1.jpg", "restart3.jpg", "grey.jpg", "cmyk.jpg", "ycck.jpg", "turn6.jpg"} {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if cfg, err := stdlib.DecodeConfig(bytes.NewReader(content)); err == nil && cfg.Width*cfg.Height > 1<<20 {
			t.Skip("too large to be quick")
		}
		img, _, err := Decode(content)
		if err != nil {
			return
		}
		other, err := stdlib.Decode(bytes.NewReader(content))
		if err == nil && img.Bounds() != other.Bounds() {
			t.Errorf("size %v, the standard library has %v", img.Bounds(), other.Bounds())
		}
		if img.Bounds().Empty() || img.Bounds().Min != (image.Point{}) {
			t.Errorf("bounds %v", img.Bounds())
		}
	})
}
