package data

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pixelsOf is a whole image on white, upright, in the way that DecodeImage goes before it cuts and scales.
func pixelsOf(t testing.TB, content []byte) *image.RGBA {
	t.Helper()
	f, _, err := inspect(content)
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := f.decode(content)
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Over)
	if f.exif == nil {
		return out
	}
	return upright(out, orientation(f.exif(content)))
}

// TestPixelsAgree: every file of testdata/pixels, and of the folder that ZOS_PIXELS names, has the pixels that
// Pillow reads from it, which lie beside it as a PNG. JPEG has equal pixels; mixing inks to colours, and laying
// colours on white, may round in another way.
func TestPixelsAgree(t *testing.T) {
	const atLeast = 35
	files, err := filepath.Glob(filepath.Join("testdata", "pixels", "*.*.png"))
	if err != nil || len(files) < atLeast {
		t.Fatalf("%d files to compare with, error %v, want at least %d", len(files), err, atLeast)
	}
	if more := os.Getenv("ZOS_PIXELS"); more != "" {
		found, err := filepath.Glob(filepath.Join(more, "*.*.png"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, reference := range files {
		name := strings.TrimSuffix(reference, ".png")
		tolerance := 0
		if strings.Contains(name, "cmyk") || strings.Contains(name, "ycck") || strings.Contains(name, "alpha") {
			tolerance = 1
		}
		if diff := compare(t, name, reference); diff > tolerance {
			t.Errorf("%s differs by %d of 255, want at most %d", name, diff, tolerance)
		}
	}
	t.Logf("%d files", len(files))
}

// compare gives the largest difference of two images.
func compare(t *testing.T, name, reference string) (worst int) {
	t.Helper()
	var images [2]*image.RGBA
	for i, path := range []string{name, reference} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		images[i] = pixelsOf(t, content)
	}
	if images[0].Rect != images[1].Rect {
		t.Fatalf("%s has the size %v, want %v", name, images[0].Rect, images[1].Rect)
	}
	for i, v := range images[0].Pix {
		w := images[1].Pix[i]
		worst = max(worst, int(max(v, w)-min(v, w)))
	}
	return worst
}

// TestIgnoreOrientation: the file's own rows and columns on request, for every way that a camera is held.
func TestIgnoreOrientation(t *testing.T) {
	plain := pixelsAt(t, "turn1.jpg", Decoding{Size: 5})
	for _, turned := range []string{"turn2.jpg", "turn3.jpg", "turn6.jpg", "turn8.jpg"} {
		if !bytes.Equal(pixelsAt(t, turned, Decoding{Size: 5, IgnoreOrientation: true}), plain) {
			t.Errorf("%s is turned though its note is to be ignored", turned)
		}
		if bytes.Equal(pixelsAt(t, turned, Decoding{Size: 5}), plain) {
			t.Errorf("%s is not turned", turned)
		}
	}
}

func pixelsAt(t *testing.T, name string, d Decoding) []uint8 {
	t.Helper()
	pixels, warning, err := DecodeImage(filepath.Join("testdata", "pixels", name), d)
	if err != nil || warning != "" {
		t.Fatalf("%s: %v, warning %q", name, err, warning)
	}
	return pixels
}

// TestOrientationOfNonsense: notes that are cut or lie give an upright image.
func TestOrientationOfNonsense(t *testing.T) {
	good := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00")
	if got := orientation(good); got != 6 {
		t.Fatalf("orientation %d, want 6", got)
	}
	for n := range len(good) - 3 {
		if got := orientation(good[:n]); got != 1 {
			t.Errorf("%d bytes: orientation %d, want 1", n, got)
		}
	}
	far := bytes.Replace(good, []byte{8, 0, 0, 0}, []byte{255, 255, 255, 255}, 1)
	nine := bytes.Replace(good, []byte{6, 0}, []byte{9, 0}, 1)
	for _, notes := range [][]byte{nil, far, nine} {
		if got := orientation(notes); got != 1 {
			t.Errorf("%q: orientation %d, want 1", notes, got)
		}
	}
}

// TestJPEGWithoutEnd: all image data is there, so the image is read, with a warning; where data is missing it is
// truncated.
func TestJPEGWithoutEnd(t *testing.T) {
	for _, name := range []string{"420-19x13.jpg", "grey.jpg", "cmyk.jpg", "cmyk-plain.jpg"} {
		whole, err := os.ReadFile(filepath.Join("testdata", "pixels", name))
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := Decoding{Size: 8}.decode(whole)
		if err != nil {
			t.Fatal(err)
		}
		for cut := 1; cut <= len("\xff\xd9"); cut++ {
			got, warning, err := Decoding{Size: 8}.decode(whole[:len(whole)-cut])
			if err != nil || !strings.Contains(warning, "no end marker") || !bytes.Equal(got, want) {
				t.Errorf("%s, %d bytes less: error %v, warning %q", name, cut, err, warning)
			}
		}
		for _, cut := range []int{4, 12, 50} {
			if _, _, err := (Decoding{Size: 8}).decode(whole[:len(whole)-cut]); err == nil {
				t.Errorf("%s without its last %d bytes is read", name, cut)
			}
		}
	}
}

// TestGIFOnItsCanvas: the first frame may be smaller than the picture.
func TestGIFOnItsCanvas(t *testing.T) {
	frame := image.NewRGBA(image.Rect(0, 0, 2, 2))
	var b bytes.Buffer
	if err := png.Encode(&b, frame); err != nil {
		t.Fatal(err)
	}
	// A canvas of 4x4 with a black frame of 2x2 at (1, 1), of two colours in the global table.
	content := []byte("GIF89a\x04\x00\x04\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" +
		"\x2c\x01\x00\x01\x00\x02\x00\x02\x00\x00\x02\x03\x04\x10\x05\x00\x3b")
	img := pixelsOf(t, content)
	if img.Rect.Dx() != 4 || img.RGBAAt(0, 0).R != 255 || img.RGBAAt(1, 1).R != 0 || img.RGBAAt(3, 3).R != 255 {
		t.Errorf("a frame of 2x2 on a canvas of 4x4 gives %v", img)
	}
}
