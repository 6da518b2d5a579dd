package data

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// TestOpenReadsByContent: images of all formats are read under any name, and what is none is listed.
func TestOpenReadsByContent(t *testing.T) {
	grey := coloured(image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.Gray{99}}),
		uniform(color.Gray{99}))
	var asGIF, asBMP, asTIFF bytes.Buffer
	for _, err := range []error{gif.Encode(&asGIF, grey, nil), bmp.Encode(&asBMP, grey),
		tiff.Encode(&asTIFF, grey, nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	webp, err := os.ReadFile(filepath.Join("testdata", "pixels", "lossless.webp"))
	if err != nil {
		t.Fatal(err)
	}
	f := folder{"train/dog/a.png": tile(t, 8, color.Gray{99}), "test/dog/a.png": tile(t, 8, color.Gray{99})}
	for i, content := range []string{asGIF.String(), asBMP.String(), asTIFF.String(), string(webp),
		string(jpegOf(t, grey)), tile(t, 8, color.Gray{99})} {
		for _, name := range []string{"plain", "lies.png", "x.JFIF", "y.jpe", "z.dat"} {
			f["train/cat/"+string('a'+rune(i))+name] = content
		}
	}
	f["train/cat/notes.txt"], f["train/cat/photo.heic"] = "text", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"
	f["train/cat/Thumbs.db"] = ""
	got := mustOpen(t, f.write(t), Options{Size: 8})
	if n := got.Train.Len(); n != 31 {
		t.Errorf("%d training images, want 30 cats and a dog", n)
	}
	if len(got.LeftOut) != 3 {
		t.Fatalf("left out: %v, want 3 files", got.LeftOut)
	}
	for i, piece := range []string{"Thumbs.db: the file is empty", "notes.txt: not a PNG", "but HEIF"} {
		wantError(t, got.LeftOut[i], piece)
	}
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], `1 of the 2 classes have no test image`) ||
		!strings.Contains(got.Notes[0], `["cat"]`) {
		t.Errorf("notes %q, want one on the class without a test image", got.Notes)
	}
}

// TestOpenSkipsWhatCannotBeRead: links that lead nowhere, pipes and folders behind links are bad images.
func TestOpenSkipsWhatCannotBeRead(t *testing.T) {
	dir := animals(t).write(t)
	for name, to := range map[string]string{"nowhere.png": "missing.png", "pipe.png": os.DevNull,
		"folder.png": t.TempDir(), "loop.png": "loop.png"} {
		if err := os.Symlink(to, filepath.Join(dir, "train", "cat", name)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	_, err := Open(context.Background(), dir, Options{})
	wantError(t, err)
	f := mustOpen(t, dir, Options{SkipBad: true})
	if f.Train.Len() != 20 || len(f.Bad) != 4 {
		t.Fatalf("%d images, bad %v, want 20 and 4", f.Train.Len(), f.Bad)
	}
	for i, piece := range []string{"folder.png: not a regular file", "loop.png: the link leads nowhere",
		"nowhere.png: the link leads nowhere", "pipe.png: not a regular file"} {
		wantError(t, f.Bad[i], piece)
	}
}

// TestOpenWarnsOfMendedImages: a JPEG without its end marker is used and told of.
func TestOpenWarnsOfMendedImages(t *testing.T) {
	f := animals(t)
	f["train/cat/cut.jpg"] = strings.TrimSuffix(string(jpegOf(t, image.NewGray(image.Rect(0, 0, 8, 8)))),
		"\xff\xd9")
	got := mustOpen(t, f.write(t), Options{})
	if got.Train.Len() != 21 || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "cut.jpg: the JPEG") {
		t.Errorf("%d images, warnings %q", got.Train.Len(), got.Warnings)
	}
}

// TestOpenComparesNormalisedNames: é of one code point and of two are one class, and it is said which is which.
func TestOpenComparesNormalisedNames(t *testing.T) {
	const composed, decomposed = "caf\u00e9", "cafe\u0301"
	f := folder{}
	for _, name := range []string{"train/" + composed, "train/dog", "test/" + decomposed, "test/dog"} {
		f[name+"/a.png"] = tile(t, 8, color.Gray{9})
	}
	got := mustOpen(t, f.write(t), Options{})
	if !slices.Equal(got.Train.Classes, []string{composed, "dog"}) || got.Test.Len() != 2 {
		t.Errorf("classes %q, %d test images", got.Train.Classes, got.Test.Len())
	}
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "is composed (NFC) in train and decomposed (NFD)") {
		t.Errorf("notes %q", got.Notes)
	}
	f["train/"+decomposed+"/a.png"] = tile(t, 8, color.Gray{9})
	_, err := Open(context.Background(), f.write(t), Options{})
	wantError(t, err, "two folders", "decomposed (NFD), the other composed (NFC)")
}

// TestOpenTestOnly: training images are neither read nor needed.
func TestOpenTestOnly(t *testing.T) {
	f := animals(t)
	f["train/cat/00.png"], f["train/dog/more/x.png"] = "broken", "a folder"
	for _, spoil := range []func(){func() {}, func() { f.remove("train/") },
		func() { f.move("test/", "val/") }} {
		spoil()
		got := mustOpen(t, f.write(t), Options{TestOnly: true, Size: 8})
		if got.Train != nil || got.Test.Len() != 2 || !slices.Equal(got.Test.Classes, []string{"cat", "dog"}) {
			t.Errorf("got %+v", got)
		}
	}
	held := animals(t)
	held.remove("test/")
	dir := held.write(t)
	if got, want := mustOpen(t, dir, Options{TestOnly: true}), mustOpen(t, dir, Options{}); !slices.Equal(
		got.Test.Images, want.Test.Images) {
		t.Error("the tenth that is held out is not that of a training")
	}
	cifar := ten()
	want := mustOpen(t, cifar.write(t), Options{}).Test
	delete(cifar, "data_batch_10.bin")
	cifar["data_batch_1.bin"] = "broken"
	if got := mustOpen(t, cifar.write(t), Options{TestOnly: true}); got.Train != nil ||
		!slices.Equal(got.Test.Images, want.Images) {
		t.Error("CIFAR: the test set is another one, or the training set was read")
	}
	for _, name := range []string{"data_batch_1.bin", "data_batch_2.bin"} {
		delete(cifar, name)
	}
	if got := mustOpen(t, cifar.write(t), Options{TestOnly: true}); got.Test.Len() != want.Len() {
		t.Errorf("CIFAR without training files: %d test images", got.Test.Len())
	}
}
