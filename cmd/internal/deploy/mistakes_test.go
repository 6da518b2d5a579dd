package deploy

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"testing"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/graphgen/check"
	"zos-ort/search/data"
)

// The most confident mistakes are kept, over several batches, with the pictures of their images.
func TestMistakes(t *testing.T) {
	a := newAccuracy(2)
	a.add([]float32{1, 0, 0, 3, 9, 0}, &data.Batch{Labels: []int64{0, 0, 1}, Count: 3}) // right, wrong, more wrong
	for range shownMistakes {
		a.add([]float32{0, 2}, &data.Batch{Labels: []int64{0}, Count: 1})
	}
	if len(a.mistakes) != shownMistakes || a.mistakes[0].image != 2 || a.mistakes[1].image != 1 || a.mistakes[2].image != 3 {
		t.Fatalf("%+v", a.mistakes)
	}
	for _, side := range []int{4, 100} {
		set := &data.Set{Size: side, Images: make([]uint8, 30*3*side*side)}
		copy(set.Image(2), bytes.Repeat([]byte{200}, side*side)) // red
		dir := rundir.Dir(t.TempDir())
		if err := writeMistakes(dir, &Subject{labels: []string{"a,b", "<c>"}}, set, a); err != nil {
			t.Fatal(err)
		}
		text := readFile(t, dir.Path("mistakes.csv"))
		if !bytes.HasPrefix(text, []byte("picture,test_image,label,prediction,confidence\nmistakes/01.png,2,<c>,\"a,b\",0.9999\n")) {
			t.Errorf("mistakes.csv is\n%s", text)
		}
		img, err := png.Decode(bytes.NewReader(readFile(t, dir.Path("mistakes/01.png"))))
		if err != nil || img.Bounds().Dx() != min(side, pictureSide) {
			t.Fatalf("%v, %v", err, img.Bounds())
		}
		if c := color.NRGBAModel.Convert(img.At(1, 1)); c != (color.NRGBA{200, 0, 0, 255}) {
			t.Errorf("the picture is %v", c)
		}
	}
}

// TestSpread: a part of a sorted set has all of its classes.
func TestSpread(t *testing.T) {
	set := &data.Set{Size: 1, Classes: []string{"a", "b", "c"}, Images: make([]uint8, 9*3), Labels: []int32{0, 0, 0, 1, 1, 1, 2, 2, 2},
		Std: [3]float32{1, 1, 1}}
	for i := range 9 {
		set.Image(i)[0] = uint8(i)
	}
	some := check.Must(spread(set, 4))(t)
	if some.Len() != 4 || some.Labels[0] != 0 || some.Labels[3] != 2 || some.Image(2)[0] != 4 {
		t.Errorf("%d images with labels %v", some.Len(), some.Labels)
	}
	if all := check.Must(spread(set, 9))(t); all != set {
		t.Error("a whole set is copied")
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	return check.Must(os.ReadFile(path))(t)
}
