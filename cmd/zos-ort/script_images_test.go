package main

import (
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// imagesCommand is `images FOLDER CLASS,... N WIDTH [HEIGHT]`: N images of each class in
// FOLDER/CLASS, half of them PNG and half JPEG, each class in a brightness of its own.
func imagesCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: images FOLDER CLASS,... N WIDTH [HEIGHT]")
	}
	numbers := make([]int, 3)
	for i, text := range append(args[2:], args[3])[:3] { // HEIGHT is WIDTH if it is missing
		n, err := strconv.Atoi(text)
		ts.Check(err)
		numbers[i] = n
	}
	for label, class := range strings.Split(args[1], ",") {
		dir := filepath.Join(ts.MkAbs(args[0]), class)
		ts.Check(os.MkdirAll(dir, 0o755))
		for i := range numbers[0] {
			img := image.NewGray(image.Rect(0, 0, numbers[1], numbers[2]))
			for at := range img.Pix {
				img.Pix[at] = uint8(80*label + (7*i+at*at)%60)
			}
			ts.Check(writeImage(filepath.Join(dir, fmt.Sprintf("%03d", i)), img, i%2 == 0))
		}
	}
}

func writeImage(path string, img image.Image, asPNG bool) error {
	encode, end := func(f *os.File) error { return jpeg.Encode(f, img, nil) }, ".jpg"
	if asPNG {
		encode, end = func(f *os.File) error { return png.Encode(f, img) }, ".png"
	}
	f, err := os.Create(path + end)
	if err != nil {
		return err
	}
	defer f.Close()
	return encode(f)
}

// cutCommand is `cut FILE BYTES`: the file ends after so many bytes.
func cutCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: cut FILE BYTES")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// byteNameCommand is `bytename FOLDER`: the folder gets a name that is not UTF-8, as Latin-1 has it.
func byteNameCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: bytename FOLDER")
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.Rename(path, filepath.Join(filepath.Dir(path), "caf\xe9")))
}
