package data

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"testing"
)

// TestContactSheet writes the first images of the generated set as a picture, one class a row, for
// a person to look at: ZOS_SHEET=/tmp/sheet.png go test -run ContactSheet ./search/data
func TestContactSheet(t *testing.T) {
	path := os.Getenv("ZOS_SHEET")
	if path == "" {
		path = t.TempDir() + "/sheet.png"
	}
	const perClass = 12
	train, small := mustSynthetic(t, 32, 10*perClass, 0), mustSynthetic(t, 16, 10*perClass, 0)
	img := image.NewRGBA(image.Rect(0, 0, perClass*(34+18), 10*34))
	for class := range train.Classes {
		at := 0
		for i, label := range train.Labels {
			if int(label) == class {
				blit(img, train, i, at*34, class*34)
				blit(img, small, i, perClass*34+at*18, class*34)
				at++
			}
		}
		if at != perClass {
			t.Errorf("class %s has %d images of %d, want %d", train.Classes[class], at,
				train.Len(), perClass)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}

func blit(dst *image.RGBA, s *Set, i, x0, y0 int) {
	p, n := s.Image(i), s.Size*s.Size
	for at := range n {
		c := color.RGBA{p[at], p[n+at], p[2*n+at], 255}
		dst.SetRGBA(x0+at%s.Size, y0+at/s.Size, c)
	}
}

func mustSynthetic(t testing.TB, size, n int, seed uint64) *Set {
	t.Helper()
	train, _, err := Synthetic(SyntheticConfig{Size: size, Train: n, Test: 1, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return train
}
