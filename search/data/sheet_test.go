package data

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// TestContactSheet paints the first images of the generated set at two sizes, a class a row, for
// a person to look at: ZOS_SHEET=/tmp/sheet.png go test -run ContactSheet ./search/data
func TestContactSheet(t *testing.T) {
	path := os.Getenv("ZOS_SHEET")
	if path == "" {
		path = filepath.Join(t.TempDir(), "sheet.png")
	}
	const perClass, zoom = 8, 3
	large, small := mustSynthetic(t, 32, 10*perClass, 0), mustSynthetic(t, 16, 10*perClass, 0)
	img := image.NewRGBA(image.Rect(0, 0, perClass*(34+18)*zoom, 10*34*zoom))
	var column [10]int
	for i, class := range large.Labels {
		x, y := column[class], int(class)*34*zoom
		blit(img, large, i, zoom, x*34*zoom, y)
		blit(img, small, i, zoom, (perClass*34+x*18)*zoom, y)
		column[class]++
	}
	for class, n := range column {
		if n != perClass {
			t.Errorf("class %s has %d images, want %d", large.Classes[class], n, perClass)
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

// blit draws image i, every pixel as a block.
func blit(dst *image.RGBA, s *Set, i, zoom, x0, y0 int) {
	p, n := s.Image(i), s.Size*s.Size
	for y := range s.Size * zoom {
		for x := range s.Size * zoom {
			at := y/zoom*s.Size + x/zoom
			dst.SetRGBA(x0+x, y0+y, color.RGBA{p[at], p[n+at], p[2*n+at], 255})
		}
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
