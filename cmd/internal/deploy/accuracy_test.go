package deploy

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/search/data"
)

func TestAccuracy(t *testing.T) {
	a := newAccuracy(7)
	scores := []float32{9, 1, 2, 3, 4, 5, 6, // 0 is first
		1, 9, 2, 3, 4, 5, 6, // 5 is third
		1, 1, 9, 3, 4, 5, 6, // 0 is sixth, for a tie goes to the earlier class
		1, 1, 1, 1, 1, 1, 9} // filled up
	a.add(scores, &data.Batch{Labels: []int64{0, 5, 0, 6}, Count: 3})
	if a.images != 3 || a.topFive != 2 || a.top1() != 1./3 || a.top5() != 2./3 {
		t.Errorf("got %+v", a)
	}
	if a.count(0) != 2 || a.correct(0) != 1 || a.count(5) != 1 || a.confusion[5][1] != 1 {
		t.Errorf("confusion %v", a.confusion)
	}
	if empty := newAccuracy(3); empty.top1() != 0 {
		t.Errorf("no images: got %v", empty.top1())
	}
}

func TestSoftmax(t *testing.T) {
	got := softmax([]float32{0, 0, 1000, 0, float32(math.Log(3)), -1000}, 2)
	want := []float32{.5, .5, 1, 0, 1, 0}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-6 {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestDeviation(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		got, want []float32
		worst     float64
	}{{[]float32{1, 2}, []float32{1, 2}, 0}, {[]float32{.5, 2}, []float32{.25, 2}, .25},
		{[]float32{20}, []float32{16}, .25}, {[]float32{1}, []float32{1, 2}, math.Inf(1)}} {
		if d := deviation(c.got, c.want); d != c.worst {
			t.Errorf("%v from %v: got %v, want %v", c.got, c.want, d, c.worst)
		}
	}
	for _, x := range [][]float32{{nan, 1}, {1, nan}} {
		if d := deviation(x, []float32{1, 1}); d <= tolerances["fp16"] {
			t.Errorf("%v is accepted with deviation %v", x, d)
		}
	}
}

func TestFormName(t *testing.T) {
	for _, c := range [][3]string{{"a/model.onnx", "fp32", "a/model.onnx"},
		{"a.b/model.onnx", "int8", "a.b/model.int8.onnx"}, {"model", "fp16", "model.fp16"}} {
		if got := FileName(c[0], c[1]); got != c[2] {
			t.Errorf("%s as %s: got %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

// The picture grows with the classes, and its diagonal is dark where all is right.
func TestConfusionPNG(t *testing.T) {
	widths := map[int]int{}
	for _, classes := range []int{2, 10, 100, 1000} {
		a := newAccuracy(classes)
		var labels []string
		for c := range classes {
			labels = append(labels, fmt.Sprintf("class %d %s", c, strings.Repeat("x", c%200)))
			a.confusion[c][c], a.images = 3, a.images+3
		}
		img, err := png.Decode(bytes.NewReader(check.Must(confusionPNG(labels, a))(t)))
		if err != nil {
			t.Fatal(err)
		}
		widths[classes] = img.Bounds().Dx()
		if w := widths[classes]; classes >= 100 && !isBlue(img, w) {
			t.Errorf("%d classes: the diagonal is not dark", classes)
		}
	}
	if widths[2] >= widths[10] || widths[10] >= widths[100] || widths[100] > 3000 || widths[1000] > 3000 {
		t.Errorf("widths %v", widths)
	}
	m := matrix{newAccuracy(2)}
	m.confusion[0] = []int{3, 1}
	if got := []float64{m.Z(0, 1), m.Z(1, 1), m.Z(0, 0)}; !slices.Equal(got, []float64{.75, .25, 0}) {
		t.Errorf("the first label is not on top: %v", got)
	}
}

// isBlue says whether the picture is dark on the way from the middle to the lower right, where the diagonal is.
func isBlue(img image.Image, side int) bool {
	for x := side / 2; x < side*3/4; x++ {
		for y := 0; y < side; y++ {
			if c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA); c.R < 30 && c.B > 130 {
				return true
			}
		}
	}
	return false
}

// What a model is not, and what its metadata must hold.
func TestModelMetadata(t *testing.T) {
	good := map[string]string{labelsKey: `["a","b"]`, inputKey: unitInput,
		normalizationKey: `{"mean":[0,0,0],"std":[1,1,1]}`}
	d := &Model{meta: good}
	if err := d.readMetadata(); err != nil || !reflect.DeepEqual(d.labels, []string{"a", "b"}) || d.raw {
		t.Fatalf("%v, %+v", err, d)
	}
	for _, c := range [][3]string{{labelsKey, `["a"`, "no list of names"}, {labelsKey, `[]`, "no list"},
		{inputKey, "BGR", `is "BGR", want "RGB in [0,1]"`}, {normalizationKey, "", "mean and positive std"},
		{normalizationKey, `{"mean":[0,0,0],"std":[1,0,1]}`, "positive std"}} {
		bad := map[string]string{}
		for k, v := range good {
			bad[k] = v
		}
		bad[c[0]] = c[1]
		check.Error(t, (&Model{meta: bad}).readMetadata(), c[0], c[2])
	}
}
