package data

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// coloured fills an image with f of row and column.
func coloured[I interface {
	image.Image
	Set(x, y int, c color.Color)
}](img I, f func(y, x int) color.Color) I {
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			img.Set(img.Bounds().Min.X+x, img.Bounds().Min.Y+y, f(y, x))
		}
	}
	return img
}

func uniform(c color.Color) func(y, x int) color.Color {
	return func(int, int) color.Color { return c }
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is a PNG file that claims a size it has no pixels for.
func bomb(t testing.TB, width, height uint32) []byte {
	t.Helper()
	b := pngOf(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	header := b[len("\x89PNG\r\n\x1a\n")+4:][:4+13] // type and content of IHDR
	binary.BigEndian.PutUint32(header[4:], width)
	binary.BigEndian.PutUint32(header[8:], height)
	binary.BigEndian.PutUint32(b[len("\x89PNG\r\n\x1a\n")+4+4+13:], crc32.ChecksumIEEE(header))
	return b
}

func TestDecodeKeepsExactPixels(t *testing.T) {
	img := coloured(image.NewNRGBA(image.Rect(0, 0, 5, 5)), func(y, x int) color.Color {
		return color.NRGBA{uint8(10 * y), uint8(20 * x), uint8(50*y + x), 255}
	})
	for _, size := range []int{0, 5} {
		got, _, err := Decoding{Size: size}.decode(pngOf(t, img))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 25 {
			y, x := i/5, i%5
			if got[i] != uint8(10*y) || got[25+i] != uint8(20*x) || got[50+i] != uint8(50*y+x) {
				t.Fatalf("size %d: pixel (%d, %d) is %d %d %d", size, y, x, got[i], got[25+i], got[50+i])
			}
		}
	}
}

// TestDecodeKinds: every kind of image comes out as the colour that a viewer on white shows.
func TestDecodeKinds(t *testing.T) {
	r := image.Rect(3, 7, 11, 15) // bounds need not start at 0
	palette := color.Palette{color.White, color.NRGBA{200, 100, 50, 255}}
	ycc := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
	for i := range ycc.Y {
		ycc.Y[i] = 120
	}
	for i := range ycc.Cb {
		ycc.Cb[i], ycc.Cr[i] = 128, 128
	}
	cases := []struct {
		name string
		img  image.Image
		want [Channels]uint8
	}{
		{"grey", coloured(image.NewGray(r), uniform(color.Gray{77})), [3]uint8{77, 77, 77}},
		{"grey 16", coloured(image.NewGray16(r), uniform(color.Gray16{0x4d80})), [3]uint8{77, 77, 77}},
		{"paletted", coloured(image.NewPaletted(r, palette), uniform(palette[1])),
			[3]uint8{200, 100, 50}},
		{"16 bit", coloured(image.NewNRGBA64(r), uniform(color.NRGBA64{0x1234, 0x5678, 0x9abc, 0xffff})),
			[3]uint8{0x12, 0x56, 0x9a}},
		{"transparent", coloured(image.NewNRGBA(r), uniform(color.NRGBA{9, 9, 9, 0})),
			[3]uint8{255, 255, 255}},
		{"half transparent", coloured(image.NewNRGBA(r), uniform(color.NRGBA{0, 255, 0, 128})),
			[3]uint8{127, 255, 127}},
		{"jpeg colours", ycc, [3]uint8{120, 120, 120}},
	}
	for _, c := range cases {
		for format, content := range map[string][]byte{"png": pngOf(t, c.img), "jpeg": jpegOf(t, c.img)} {
			if strings.Contains(c.name, "transparent") && format == "jpeg" {
				continue // the format has no transparency
			}
			for _, size := range []int{8, 4, 16} {
				got, _, err := Decoding{Size: size}.decode(content)
				if err != nil {
					t.Errorf("%s as %s: %v", c.name, format, err)
					continue
				}
				wantPlanes(t, c.name+" as "+format, got, size, c.want)
			}
		}
	}
}

// wantPlanes checks an image of one colour, to within the two steps that JPEG loses.
func wantPlanes(t *testing.T, name string, got []uint8, size int, want [Channels]uint8) {
	t.Helper()
	if len(got) != Channels*size*size {
		t.Fatalf("%s: %d bytes, want 3x%dx%d", name, len(got), size, size)
	}
	for i, v := range got {
		if w := want[i/(size*size)]; max(v, w)-min(v, w) > 2 {
			t.Fatalf("%s at side %d: byte %d is %d, want about %d", name, size, i, v, w)
		}
	}
}

// TestDecodeCropsTheMiddle: of a wide and of a tall image the outer thirds are cut away.
func TestDecodeCropsTheMiddle(t *testing.T) {
	thirds := func(at int) color.Color { return color.Gray{[]uint8{0, 150, 255}[at/12]} }
	wide := coloured(image.NewGray(image.Rect(0, 0, 36, 12)),
		func(_, x int) color.Color { return thirds(x) })
	tall := coloured(image.NewGray(image.Rect(0, 0, 12, 36)),
		func(y, _ int) color.Color { return thirds(y) })
	for name, img := range map[string]image.Image{"wide": wide, "tall": tall} {
		for _, size := range []int{12, 6, 4} {
			got, _, err := Decoding{Size: size}.decode(pngOf(t, img))
			if err != nil {
				t.Fatal(err)
			}
			wantPlanes(t, name, got, size, [3]uint8{150, 150, 150})
		}
	}
}

// TestDecodeShrinksByMeans: fine stripes become grey, not one of their colours.
func TestDecodeShrinksByMeans(t *testing.T) {
	img := coloured(image.NewGray(image.Rect(0, 0, 64, 64)), func(y, _ int) color.Color {
		return color.Gray{uint8(y % 2 * 200)}
	})
	got, _, err := Decoding{Size: 8}.decode(pngOf(t, img))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if v < 90 || v > 110 {
			t.Fatalf("byte %d is %d, want about the mean 100", i, v)
		}
	}
}

func TestDecodeImageBadInput(t *testing.T) {
	good := pngOf(t, coloured(image.NewGray(image.Rect(0, 0, 40, 40)), func(y, x int) color.Color {
		return color.Gray{uint8(y*x*7 + y)}
	}))
	photo := jpegOf(t, coloured(image.NewGray(image.Rect(0, 0, 40, 40)), func(y, x int) color.Color {
		return color.Gray{uint8(y*x*7 + y)}
	}))
	flipped := slices.Clone(good)
	flipped[len(flipped)/2] ^= 0xff
	cases := []struct {
		name    string
		content []byte
		size    int
		piece   string
	}{
		{"empty", nil, 8, "the file is empty"},
		{"text", []byte("<html>"), 8, "not a PNG, JPEG, WebP, GIF, BMP or TIFF image"},
		{"half a gif", []byte("GIF89a\x01\x00\x01\x00"), 8, "the image is damaged"},
		{"heif", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), 8, "TIFF image but HEIF"},
		{"half a png", good[:len(good)/2], 8, "the image is"},
		{"png header", good[:20], 8, "truncated"},
		{"signature", good[:8], 8, "truncated"},
		{"half a jpeg", photo[:len(photo)/2], 8, "truncated"},
		{"jpeg start", photo[:4], 8, "truncated"},
		{"webp of gigabytes", []byte("RIFF\xff\xff\xff\x7fWEBPVP8 \xe0\xff\xff\x7f0\x01\x00\x9d\x01*0A \x0000000A000000000"), 8, "truncated"},
		{"flipped byte", flipped, 8, "damaged"},
		{"bomb", bomb(t, 50_000, 50_000), 8, "more than the 67108864 pixels"},
		{"long bomb", bomb(t, 1, 1<<30), 8, "1x1073741824"},
		{"no width", bomb(t, 0, 5), 8, "damaged"},
		{"not square", pngOf(t, image.NewGray(image.Rect(0, 0, 4, 6))), 0, "4x6, not square"},
		{"negative side", good, -1, "image side is -1"},
		{"absurd side", good, 1 << 40, "image side is"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "image.png")
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := DecodeImage(path, Decoding{Size: c.size})
			wantError(t, err, c.piece)
			if !strings.Contains(err.Error(), path) && !strings.Contains(c.name, "side") {
				t.Errorf("error %q does not name the file", err)
			}
		})
	}
	_, _, err := DecodeImage(filepath.Join(t.TempDir(), "nowhere.png"), Decoding{Size: 8})
	wantError(t, err, "nowhere.png", "no such file")
	_, _, err = DecodeImage(t.TempDir(), Decoding{Size: 8})
	wantError(t, err, "not a regular file")
}
