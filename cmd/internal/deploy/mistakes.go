package deploy

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strconv"

	"golang.org/x/image/draw"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/data"
)

const (
	// shownMistakes is how many of the most confident mistakes are kept.
	shownMistakes = 24
	// pictureSide is the largest side of their pictures: larger images are scaled down.
	pictureSide = 64
)

// mistake is a test image that the network takes for another class.
type mistake struct {
	image             int // place in the test set
	label, prediction int
	confidence        float32 // of the prediction
}

// noteMistakes keeps the most confident ones among those so far and a batch of scores whose images begin at first.
func (a *Accuracy) noteMistakes(scores []float32, labels []int64, first int) {
	p := softmax(scores, a.classes)
	for i, label := range labels {
		row := p[i*a.classes : (i+1)*a.classes]
		best := ranking(row)[0]
		if best != int(label) {
			a.mistakes = append(a.mistakes, mistake{first + i, int(label), best, row[best]})
		}
	}
	slices.SortStableFunc(a.mistakes, func(x, y mistake) int { return cmp.Compare(y.confidence, x.confidence) })
	a.mistakes = a.mistakes[:min(len(a.mistakes), shownMistakes)]
}

// writeMistakes writes mistakes.csv and a picture of each.
func writeMistakes(dir rundir.Dir, s *Subject, test *data.Set, a *Accuracy) error {
	rows := [][]string{{"picture", "test_image", "label", "prediction", "confidence"}}
	for i, m := range a.mistakes {
		name := fmt.Sprintf("mistakes/%02d.png", i+1)
		b, err := picture(test.Image(m.image), test.Size)
		if err != nil {
			return fmt.Errorf("picture of test image %d: %w", m.image, err)
		}
		if err := dir.Write(name, b); err != nil {
			return err
		}
		rows = append(rows, []string{name, strconv.Itoa(m.image), s.labels[m.label], s.labels[m.prediction],
			strconv.FormatFloat(float64(m.confidence), 'g', 4, 32)})
	}
	return dir.Write("mistakes.csv", terminal.CSV(rows))
}

// picture is a PNG file of the planes of an image.
func picture(planes []uint8, side int) ([]byte, error) {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	n := side * side
	for i := range n {
		img.SetNRGBA(i%side, i/side, color.NRGBA{R: planes[i], G: planes[n+i], B: planes[2*n+i], A: 255})
	}
	var b bytes.Buffer
	if side <= pictureSide {
		err := png.Encode(&b, img)
		return b.Bytes(), err
	}
	small := image.NewNRGBA(image.Rect(0, 0, pictureSide, pictureSide))
	draw.CatmullRom.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	err := png.Encode(&b, small)
	return b.Bytes(), err
}
