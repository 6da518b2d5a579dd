package deploy

import (
	"fmt"
	"strconv"

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
	rows := a.classRows(s.labels)
	if dir != "" {
		if err := writeReport(dir, s, test, a); err != nil {
			return err
		}
	}
	cells := make([][]string, 0, len(rows))
	for _, r := range rows {
		cells = append(cells, []string{r.Label, strconv.Itoa(r.Images), strconv.Itoa(r.Correct),
			Percent(r.Accuracy)})
	}
	if err := p.Table(classHeader, cells); err != nil {
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
	result := map[string]any{"subject": s.name, "data": test.Name, "images": a.images,
		"top1": a.top1(), "top5": a.top5(), "loss": loss, "classes": rows, "confusion": a.confusion}
	if dir != "" {
		if err := dir.WriteJSON("result.json", result); err != nil {
			return err
		}
	}
	return p.Value(result)
}

var classHeader = []string{"class", "images", "correct", "accuracy"}

func (a *Accuracy) classRows(labels []string) (rows []classRow) {
	for c, label := range labels {
		rows = append(rows, classRow{label, a.count(c), a.correct(c), fraction(a.correct(c), a.count(c))})
	}
	return rows
}

// writeReport writes the tables, the picture of the confusion matrix and those of the worst mistakes.
func writeReport(dir rundir.Dir, s *Subject, test *data.Set, a *Accuracy) error {
	classes := [][]string{classHeader}
	for _, r := range a.classRows(s.labels) {
		classes = append(classes, []string{r.Label, strconv.Itoa(r.Images), strconv.Itoa(r.Correct),
			terminal.Number(r.Accuracy)})
	}
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
	if err := dir.Write("confusion.png", picture); err != nil {
		return err
	}
	return writeMistakes(dir, s, test, a)
}
