package deploy

import (
	"bytes"
	"fmt"
	"image/color"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/data"
)

// classRow is a class in the JSON result.
type classRow struct {
	Label    string  `json:"label"`
	Images   int     `json:"images"`
	Correct  int     `json:"correct"`
	Accuracy float64 `json:"accuracy"`
}

// Report prints the result and, given a folder, writes it.
func Report(p *terminal.Console, dir rundir.Dir, s *Subject, test *data.Set, a *Accuracy) error {
	var rows []classRow
	table := [][]string{{"class", "images", "correct", "accuracy"}}
	for c, label := range s.labels {
		r := classRow{label, a.count(c), a.correct(c), fraction(a.correct(c), a.count(c))}
		rows = append(rows, r)
		table = append(table, []string{label, strconv.Itoa(r.Images), strconv.Itoa(r.Correct),
			terminal.Number(r.Accuracy)})
	}
	if dir != "" {
		if err := writeReport(dir, s, table, a); err != nil {
			return err
		}
	}
	cells := make([][]string, 0, len(rows))
	for _, r := range rows {
		cells = append(cells, []string{r.Label, strconv.Itoa(r.Images), strconv.Itoa(r.Correct),
			Percent(r.Accuracy)})
	}
	if err := p.Table(table[0], cells); err != nil {
		return err
	}
	loss := a.loss / float64(max(a.images, 1))
	five := ""
	if a.classes > 5 { // else it says nothing
		five = ", top-5 " + Percent(a.top5())
	}
	p.Result("%s on %d images of %s: top-1 %s%s, loss %.4f", s.name, a.images, test.Name,
		Percent(a.top1()), five, loss)
	if dir != "" {
		p.Result("written to %s", dir)
	}
	return p.Value(map[string]any{"subject": s.name, "data": test.Name, "images": a.images,
		"top1": a.top1(), "top5": a.top5(), "loss": loss, "classes": rows, "confusion": a.confusion})
}

// writeReport writes the tables and the picture of the confusion matrix.
func writeReport(dir rundir.Dir, s *Subject, classes [][]string, a *Accuracy) error {
	if err := dir.Write("classes.csv", terminal.CSV(classes)); err != nil {
		return err
	}
	rows := [][]string{append([]string{"label"}, s.labels...)}
	for c, label := range s.labels {
		row := []string{label}
		for _, n := range a.confusion[c] {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	if err := dir.Write("confusion.csv", terminal.CSV(rows)); err != nil {
		return err
	}
	picture, err := confusionPNG(s.labels, a)
	if err != nil {
		return fmt.Errorf("picture of the confusion matrix: %w", err)
	}
	return dir.Write("confusion.png", picture)
}

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

// confusionPNG draws the matrix, as large as its labels need.
func confusionPNG(labels []string, a *Accuracy) ([]byte, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%d images, top-1 accuracy %s", a.images, Percent(a.top1()))
	p.Title.Padding = 2 * vg.Millimeter
	p.X.Label.Text, p.Y.Label.Text = "prediction", "label"
	heat := plotter.NewHeatMap(matrix{a}, blues{})
	heat.Min, heat.Max = 0, 1
	p.Add(heat)
	if a.classes <= countedClasses {
		numbers, err := confusionNumbers(matrix{a})
		if err != nil {
			return nil, err
		}
		p.Add(numbers)
	}
	var ticks, upside plot.ConstantTicks
	for i, l := range labels {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: l})
		upside = append(upside, plot.Tick{Value: float64(len(labels) - 1 - i), Label: l})
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks, upside
	p.X.Tick.Label.Rotation = 1.2
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = text.XRight, text.YCenter
	cell := .9 * vg.Centimeter
	if a.classes > countedClasses {
		cell = .45 * vg.Centimeter
		p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size = 7, 7
	}
	side := 6*vg.Centimeter + vg.Length(a.classes)*cell
	w, err := p.WriterTo(side, side, "png")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = w.WriteTo(&b)
	return b.Bytes(), err
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
