package data

import (
	"context"
	"errors"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// tile is a PNG file of one colour.
func tile(t testing.TB, size int, c color.Color) string {
	return string(pngOf(t, coloured(image.NewNRGBA(image.Rect(0, 0, size, size)), uniform(c))))
}

// animals is an image folder of two classes, 10 images each, whose brightness is 20 times the
// number in the name, or one more for the second class; two more for testing.
func animals(t testing.TB) folder {
	f := folder{".DS_Store": "x", "train/cat/notes.txt": "not looked at", "train/dog/._00.png": "x"}
	for i := range uint8(10) {
		name := "0" + string('0'+rune(i))
		f["train/cat/"+name+".png"] = tile(t, 8, color.Gray{20 * i})
		f["train/dog/"+name+".PNG"] = tile(t, 8, color.Gray{20*i + 1})
	}
	f["test/cat/a.png"] = tile(t, 8, color.Gray{200})
	f["test/dog/b.png"] = tile(t, 8, color.Gray{201})
	return f
}

func mustOpen(t testing.TB, dir string, o Options) *Folder {
	t.Helper()
	f, err := Open(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Set{f.Train, f.Test} {
		if s == nil {
			continue
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// greys gives the first byte of every image, and checks that its label is right and all are equal.
func greys(t *testing.T, s *Set) (all []uint8) {
	t.Helper()
	for i := range s.Len() {
		img := s.Image(i)
		for _, v := range img {
			if v != img[0] {
				t.Fatalf("image %d is not of one grey: %d and %d", i, img[0], v)
			}
		}
		if int32(img[0]%20) != s.Labels[i] {
			t.Errorf("image %d of grey %d has label %d", i, img[0], s.Labels[i])
		}
		all = append(all, img[0])
	}
	return all
}

func TestOpenImageFolder(t *testing.T) {
	dir := animals(t).write(t)
	f := mustOpen(t, dir, Options{})
	if want := []string{"cat", "dog"}; !slices.Equal(f.Train.Classes, want) {
		t.Errorf("classes %q, want %q", f.Train.Classes, want)
	}
	order := greys(t, f.Train)
	sorted := slices.Sorted(slices.Values(order))
	var want []uint8
	for i := range uint8(10) {
		want = append(want, 20*i, 20*i+1)
	}
	if !slices.Equal(sorted, want) {
		t.Errorf("training images %v, want %v", sorted, want)
	}
	if half := f.Train.Labels[:10]; !slices.Contains(half, 0) || !slices.Contains(half, 1) {
		t.Errorf("the classes are not mixed: the first labels are %v", half)
	}
	if got := slices.Sorted(slices.Values(greys(t, f.Test))); !slices.Equal(got, []uint8{200, 201}) {
		t.Errorf("test images %v", got)
	}
	if len(f.Notes) != 0 || len(f.Bad) != 0 || f.Train.Name != filepath.Base(dir)+" train" {
		t.Errorf("notes %q, bad %v, name %q", f.Notes, f.Bad, f.Train.Name)
	}
	mean, std := naiveMoments(f.Train)
	for c := range Channels {
		if float32(mean[c]) != f.Train.Mean[c] || float32(std[c]) != f.Train.Std[c] {
			t.Errorf("channel %d: %v and %v, want %v and %v", c, f.Train.Mean[c], f.Train.Std[c], mean[c],
				std[c])
		}
	}
	if f.Test.Mean != f.Train.Mean || f.Test.Std != f.Train.Std {
		t.Error("the test set is not normalised as the training set is")
	}
	if again := mustOpen(t, dir, Options{}); !reflect.DeepEqual(f, again) {
		t.Error("a second reading gave other sets")
	}
}

// TestOpenFirstImages: a limit takes a part of the same order; without a test set on request.
func TestOpenFirstImages(t *testing.T) {
	dir := animals(t).write(t)
	all := mustOpen(t, dir, Options{})
	some := mustOpen(t, dir, Options{Train: 7, TrainOnly: true})
	if some.Test != nil || !reflect.DeepEqual(some.Train.Images, all.Train.Head(7).Images) {
		t.Errorf("the first 7 images: greys %v, of all %v", greys(t, some.Train), greys(t, all.Train))
	}
	if more := mustOpen(t, dir, Options{Train: 700}); more.Train.Len() != 20 {
		t.Errorf("a limit of 700 gives %d of 20 images", more.Train.Len())
	}
}

func TestOpenWithoutTest(t *testing.T) {
	f := animals(t)
	for _, name := range []string{"test/cat/a.png", "test/dog/b.png"} {
		f[strings.Replace(name, "test", "val", 1)] = f[name]
	}
	both := mustOpen(t, f.write(t), Options{})
	if both.Test.Len() != 2 || len(both.Notes) != 1 ||
		!strings.Contains(both.Notes[0], "val is not used") {
		t.Errorf("test and val: %d test images, notes %q", both.Test.Len(), both.Notes)
	}
	delete(f, "test/cat/a.png")
	delete(f, "test/dog/b.png")
	val := mustOpen(t, f.write(t), Options{})
	if got := greys(t, val.Test); len(got) != 2 || len(val.Notes) != 1 ||
		!strings.Contains(val.Notes[0], "testing on val") {
		t.Errorf("val alone: test images %v, notes %q", got, val.Notes)
	}
	delete(f, "val/cat/a.png")
	delete(f, "val/dog/b.png")
	f["valid/cat/a.png"] = "x"
	none := mustOpen(t, f.write(t), Options{})
	if len(none.Notes) != 2 || !strings.Contains(none.Notes[0], "valid is not used") ||
		!strings.Contains(none.Notes[1], "a tenth of train, 2 images") {
		t.Errorf("train alone: notes %q", none.Notes)
	}
	held := greys(t, none.Test)
	if slices.Sort(none.Test.Labels); !slices.Equal(none.Test.Labels, []int32{0, 1}) {
		t.Errorf("a tenth of each class has the labels %v", none.Test.Labels)
	}
	for _, grey := range greys(t, none.Train) {
		if slices.Contains(held, grey) {
			t.Errorf("image %d is in both sets", grey)
		}
	}
}

func TestOpenScales(t *testing.T) {
	f := animals(t)
	f["train/cat/wide.jpeg"] = string(jpegOf(t, coloured(image.NewGray(image.Rect(0, 0, 30, 20)),
		func(y, x int) color.Color { return color.Gray{uint8(9*y + x)} })))
	dir := f.write(t)
	s := mustOpen(t, dir, Options{Size: 12}).Train
	if s.Size != 12 || s.Len() != 21 {
		t.Errorf("%d images of side %d, want 21 of 12", s.Len(), s.Size)
	}
	// Prediction sees what training sees.
	alone, _, err := DecodeImage(filepath.Join(dir, "train", "cat", "wide.jpeg"), Decoding{Size: 12})
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for i := range s.Len() {
		if slices.Equal(s.Image(i), alone) {
			same++
		}
	}
	if same != 1 {
		t.Errorf("%d images of the set are the one that was decoded alone, want 1", same)
	}
	cifar := mustOpen(t, ten().write(t), Options{Size: 16, Train: 2})
	if cifar.Train.Size != 16 || cifar.Test.Size != 16 || cifar.Train.Len() != 2 {
		t.Errorf("CIFAR: %d images of side %d, test side %d, want 2 of 16, 16", cifar.Train.Len(),
			cifar.Train.Size, cifar.Test.Size)
	}
	wantPlanes(t, "CIFAR", cifar.Train.Image(0), 16, [Channels]uint8{3, 4, 5})
}

func TestOpenSkipsBadImages(t *testing.T) {
	f := animals(t)
	clean := mustOpen(t, f.write(t), Options{})
	f["train/cat/bad.png"] = f["train/cat/00.png"][:40]
	f["train/dog/empty.jpg"] = ""
	f["test/dog/text.jpg"] = "text"
	dir := f.write(t)
	_, err := Open(context.Background(), dir, Options{})
	var bad *BadImageError
	if !errors.As(err, &bad) {
		t.Fatalf("a bad image: got %v, want a BadImageError", err)
	}
	got := mustOpen(t, dir, Options{SkipBad: true})
	if !reflect.DeepEqual(got.Train.Images, clean.Train.Images) ||
		!reflect.DeepEqual(got.Test.Labels, clean.Test.Labels) {
		t.Error("without the bad images the sets are not those of a clean folder")
	}
	if len(got.Bad) != 3 {
		t.Fatalf("bad images: %v, want 3", got.Bad)
	}
	for i, piece := range []string{"text.jpg: not a PNG, JPEG", "bad.png: the image is",
		"empty.jpg: the file is empty"} {
		wantError(t, got.Bad[i], piece)
	}
	// A limit counts usable images, so that a resumed run, which asks for what it had, gets the same.
	for n := 1; n <= 20; n++ {
		first := mustOpen(t, dir, Options{SkipBad: true, Train: n}).Train
		if !reflect.DeepEqual(first.Labels, clean.Train.Labels[:n]) ||
			!slices.Equal(first.Images, clean.Train.Head(n).Images) {
			t.Errorf("the first %d usable images are not those of a clean folder", n)
		}
	}
}

func TestOpenImageFolderBadInput(t *testing.T) {
	square := func(size int) string { return tile(t, size, color.White) }
	cases := []struct {
		name   string
		spoil  func(folder)
		o      Options
		pieces []string
	}{
		{"unknown class in test", func(f folder) { f["test/cow/a.png"] = square(8) }, Options{},
			[]string{`class "cow"`, "test", "none of the 2 classes of train"}},
		{"unknown class in val", func(f folder) {
			delete(f, "test/cat/a.png")
			delete(f, "test/dog/b.png")
			f["val/cow/a.png"] = square(8)
		}, Options{}, []string{`class "cow"`, "val"}},
		{"empty class", func(f folder) { f["train/cow/a.txt"] = "x" }, Options{},
			[]string{"cow has no image", "1 other file", "a.txt: not a PNG"}},
		{"folder in class", func(f folder) { f["train/cat/more/a.png"] = square(8) }, Options{},
			[]string{"more is a folder", `class "cat"`}},
		{"one class", func(f folder) { f.remove("train/dog/"); f.remove("test/dog/") }, Options{},
			[]string{"1 class folder", "at least 2"}},
		{"flat train", func(f folder) { f.remove("train/"); f["train/a.png"] = square(8) }, Options{},
			[]string{"0 class folders", "train/CLASS/*.png"}},
		{"flat test", func(f folder) { f.remove("test/"); f["test/a.png"] = square(8) }, Options{},
			[]string{"test has no class folder"}},
		{"no train", func(f folder) { f.remove("train/"); f.remove("test/"); f["cat/a.png"] = square(8) },
			Options{}, []string{"no folder train", "such as cat, belong into a folder train"}},
		{"parent", func(f folder) { f.move("", "set/") }, Options{},
			[]string{"did you mean its folder set?"}},
		{"cifar too", func(f folder) { f["data_batch_1.bin"] = "x" }, Options{}, []string{"both"}},
		{"other side", func(f folder) { f["train/dog/c.png"] = square(12) }, Options{},
			[]string{"12x12", "8x8", "--image-size N"}},
		{"not square", func(f folder) {
			f.remove("train/")
			wide := string(pngOf(t, image.NewGray(image.Rect(0, 0, 8, 6))))
			f["train/cat/a.png"], f["train/dog/a.png"] = wide, wide
		}, Options{}, []string{"8x6, not square", "--image-size N"}},
		{"one image per class", func(f folder) {
			f.remove("train/")
			f.remove("test/")
			f["train/cat/a.png"], f["train/dog/a.png"] = square(8), square(8)
		}, Options{}, []string{"one image per class", "nothing to test on"}},
		{"truncated", func(f folder) { f["train/dog/09.PNG"] = square(8)[:30] }, Options{},
			[]string{"09.PNG", "truncated"}},
		{"bomb", func(f folder) { f["train/dog/09.PNG"] = string(bomb(t, 50_000, 50_000)) },
			Options{Size: 8}, []string{"09.PNG", "50000x50000"}},
		{"all of a class", func(f folder) {
			for name := range f {
				if strings.HasPrefix(name, "train/dog/") {
					f[name] = "x"
				}
			}
		}, Options{SkipBad: true}, []string{`no image of class "dog"`}},
		{"all of train", func(f folder) {
			for name := range f {
				if strings.HasPrefix(name, "train/") {
					f[name] = "x"
				}
			}
		}, Options{SkipBad: true}, []string{"none of the 20 training images can be read"}},
		{"all of test", func(f folder) { f["test/cat/a.png"], f["test/dog/b.png"] = "x", "" },
			Options{SkipBad: true}, []string{"test: none of the 2 images can be read"}},
		{"memory", func(folder) {}, Options{Memory: 1000},
			[]string{"22 images of 8x8 need", "GiB"}},
		{"absurd side", func(folder) {}, Options{Size: 1 << 20}, []string{"image side 1048576"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := animals(t)
			c.spoil(f)
			got, err := Open(context.Background(), f.write(t), c.o)
			wantError(t, err, c.pieces...)
			if got != nil {
				t.Error("a folder comes with the error")
			}
		})
	}
}

// remove takes all files of a folder out.
func (f folder) remove(prefix string) {
	for name := range f {
		if strings.HasPrefix(name, prefix) {
			delete(f, name)
		}
	}
}

// move renames what starts with a prefix.
func (f folder) move(from, to string) {
	for name, content := range f {
		if rest, ok := strings.CutPrefix(name, from); ok && !strings.HasPrefix(name, to) {
			delete(f, name)
			f[to+rest] = content
		}
	}
}

func TestOpenFollowsLinks(t *testing.T) {
	dir, link := animals(t).write(t), t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "train"), filepath.Join(link, "train")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if n := mustOpen(t, link, Options{}).Train.Len(); n != 18 {
		t.Errorf("%d images behind a link, want 18", n)
	}
}

func TestOpenStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	seen := 0
	_, err := Open(ctx, animals(t).write(t), Options{Progress: func(done, total int) {
		if seen++; done != seen || total != 20 {
			t.Errorf("call %d of progress: %d of %d, want 20 in all", seen, done, total)
		}
		cancel()
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that of the context", err)
	}
	if seen == 20 {
		t.Error("all images were read after the context was cancelled")
	}
	if _, err := Open(ctx, ten().write(t), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("CIFAR: got %v, want that of the context", err)
	}
}

// TestMomentsOfOneColour: there is nothing to divide by but a step of 255.
func TestMomentsOfOneColour(t *testing.T) {
	s := &Set{Size: 2, Labels: []int32{0}, Images: []uint8{9, 9, 9, 9, 0, 0, 0, 0, 255, 255, 255, 255}}
	mean, std := moments(s)
	const step = 1. / 255
	if mean != [Channels]float32{9 * step, 0, 1} || std != [Channels]float32{step, step, step} {
		t.Errorf("mean %v, std %v", mean, std)
	}
}

// TestParallelReportsTheFirstError, whichever processor is faster.
func TestParallelReportsTheFirstError(t *testing.T) {
	for range 200 {
		err := parallel(context.Background(), 64, nil, func(i int) error {
			if i == 5 || i == 6 || i == 40 {
				return errors.New(string('a' + rune(i)))
			}
			return nil
		})
		if err == nil || err.Error() != "f" {
			t.Fatalf("got %v, want that of call 5", err)
		}
	}
}
