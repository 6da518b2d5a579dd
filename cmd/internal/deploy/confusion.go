package deploy

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// matrix is a confusion matrix as a gonum grid: columns are predictions, rows are labels with the
// first one on top, values are shares of the row.
type matrix struct{ *Accuracy }

func (m matrix) Dims() (columns, rows int) { return m.classes, m.classes }

func (m matrix) X(c int) float64 { return float64(c) }

func (m matrix) Y(r int) float64 { return float64(r) }

func (m matrix) Z(c, r int) float64 { return fraction(m.at(c, r), m.count(m.classes-1-r)) }

func (m matrix) at(c, r int) int { return m.confusion[m.classes-1-r][c] }

// blues are the colours of shares from 0 to 1.
type blues struct{}

func (blues) Colors() []color.Color {
	shades := make([]color.Color, 256)
	for i := range shades {
		shades[i] = color.RGBA{uint8(255 - i*235/255), uint8(255 - i*185/255), uint8(255 - i*115/255), 255}
	}
	return shades
}

// Cells that have room for a number in them.
const (
	countedClasses = 20
	dark           = .5 // share from which on the number is white
)

// Bounds of the picture: 1,000 classes have 2,800 pixels a side, with every sixth label.
const (
	margin     = 6 * vg.Centimeter
	widest     = 68 * vg.Centimeter // of the cells
	labelSpace = .4 * vg.Centimeter
	labelRunes = 24
	vectors    = 150 // classes up to which cells are drawn one by one
)

// confusionPNG draws the matrix, as large as its labels need, within bounds.
func confusionPNG(labels []string, a *Accuracy) ([]byte, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%d images, top-1 accuracy %s", a.images, Percent(a.top1()))
	p.Title.Padding = 2 * vg.Millimeter
	p.X.Label.Text, p.Y.Label.Text = "prediction", "label"
	if err := addCells(p, matrix{a}); err != nil {
		return nil, err
	}
	cell := .9 * vg.Centimeter
	if a.classes > countedClasses {
		cell = .45 * vg.Centimeter
		p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size = 7, 7
	}
	cell = min(cell, widest/vg.Length(a.classes))
	labelAxes(p, labels, int(math.Ceil(float64(labelSpace/cell))))
	side := margin + vg.Length(a.classes)*cell
	w, err := p.WriterTo(side, side, "png")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = w.WriteTo(&b)
	return b.Bytes(), err
}

// labelAxes names every class, or every few where there is no room for all.
func labelAxes(p *plot.Plot, labels []string, every int) {
	var ticks, upside plot.ConstantTicks
	for i := 0; i < len(labels); i += every {
		name := labels[i]
		if runes := []rune(name); len(runes) > labelRunes {
			name = string(runes[:labelRunes-1]) + "…"
		}
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: name})
		upside = append(upside, plot.Tick{Value: float64(len(labels) - 1 - i), Label: name})
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks, upside
	p.X.Tick.Label.Rotation = 1.2
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = text.XRight, text.YCenter
}

// addCells draws a square for each pair of classes; many of them as the pixels of one image, as a million
// squares take minutes.
func addCells(p *plot.Plot, m matrix) error {
	if m.classes > vectors {
		half, n := .5, float64(m.classes)
		p.Add(plotter.NewImage(m.picture(), -half, -half, n-half, n-half))
		return nil
	}
	heat := plotter.NewHeatMap(m, blues{})
	heat.Min, heat.Max = 0, 1
	p.Add(heat)
	if m.classes > countedClasses {
		return nil
	}
	numbers, err := confusionNumbers(m)
	if err == nil {
		p.Add(numbers)
	}
	return err
}

// picture has a pixel for each pair of classes.
func (m matrix) picture() image.Image {
	shades := blues{}.Colors()
	img := image.NewRGBA(image.Rect(0, 0, m.classes, m.classes))
	for label, row := range m.confusion {
		all := m.count(label)
		for c, n := range row {
			img.Set(c, label, shades[int(fraction(n, all)*float64(len(shades)-1))])
		}
	}
	return img
}

// confusionNumbers writes the counts into the cells.
func confusionNumbers(m matrix) (*plotter.Labels, error) {
	var l plotter.XYLabels
	var light []bool
	for r := range m.classes {
		for c := range m.classes {
			if n := m.at(c, r); n > 0 {
				l.XYs = append(l.XYs, plotter.XY{X: m.X(c), Y: m.Y(r)})
				l.Labels = append(l.Labels, strconv.Itoa(n))
				light = append(light, m.Z(c, r) >= dark)
			}
		}
	}
	numbers, err := plotter.NewLabels(l)
	if err != nil {
		return nil, err
	}
	for i := range numbers.TextStyle {
		style := &numbers.TextStyle[i]
		style.XAlign, style.YAlign, style.Font.Size = draw.XCenter, draw.YCenter, 8
		if light[i] {
			style.Color = color.White
		}
	}
	return numbers, nil
}
