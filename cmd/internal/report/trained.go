package report

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strconv"
	"strings"
)

// trained is what a network makes of test images.
type trained struct {
	ID        string
	Classes   []classView
	Confusion []confusionRow // none for many classes
	Confused  []confused     // the pairs that are most often taken for each other
	Mistakes  []mistakeView
}

type classView struct {
	Name            string
	Images, Correct string
	Accuracy        number
}

// Percent is for the template.
func (c classView) Percent() string {
	if !c.Accuracy.known() {
		return "-"
	}
	return percent(float64(c.Accuracy))
}

// Width is that of a bar, in percent.
func (c classView) Width() int {
	if !c.Accuracy.known() {
		return 0
	}
	return min(100, max(0, int(100*c.Accuracy)))
}

type confusionRow struct {
	Label string
	Cells []confusionCell
}

type confusionCell struct {
	Count int
	Shade int // 0 to 9, the share of the row
	Right bool
}

type confused struct {
	Label, Prediction string
	Count             int
}

type mistakeView struct {
	URI                     template.URL
	Image, Label, Predicted string
	Confidence              string
}

const (
	// shownClasses is how many classes a confusion matrix may have to be shown as a table.
	shownClasses = 30
	shownPairs   = 12
)

// readTrained reads classes.csv, confusion.csv and mistakes.csv of the run with an id; nil if there are none.
func readTrained(f *folder, id string) *trained {
	t := f.csv("classes.csv")
	if len(t.rows) == 0 {
		return nil
	}
	out := &trained{ID: id}
	names, images, correct, acc := t.texts("class"), t.texts("images"), t.texts("correct"), t.numbers("accuracy")
	if names == nil || images == nil || correct == nil || acc == nil {
		f.note("classes.csv has other columns than this version reads")
		return nil
	}
	for i := range t.rows {
		out.Classes = append(out.Classes, classView{names[i], images[i], correct[i], acc[i]})
	}
	out.readConfusion(f)
	out.readMistakes(f)
	return out
}

func (t *trained) readConfusion(f *folder) {
	c := f.csv("confusion.csv")
	if len(c.rows) == 0 {
		return
	}
	for i, row := range c.rows {
		view := confusionRow{Label: row[0]}
		sum := 0
		for j, text := range row[1:] {
			n, err := strconv.Atoi(text)
			if err != nil {
				f.note("confusion.csv has %q where a number belongs", text)
				return
			}
			sum += n
			view.Cells = append(view.Cells, confusionCell{Count: n, Right: i == j})
			if i != j && n > 0 {
				t.Confused = append(t.Confused, confused{row[0], c.header[j+1], n})
			}
		}
		for j := range view.Cells {
			view.Cells[j].Shade = min(9, 10*view.Cells[j].Count/max(1, sum))
		}
		t.Confusion = append(t.Confusion, view)
	}
	if len(c.rows) > shownClasses {
		t.Confusion = nil
	}
	slices.SortStableFunc(t.Confused, func(a, b confused) int { return b.Count - a.Count })
	t.Confused = t.Confused[:min(len(t.Confused), shownPairs)]
}

func (t *trained) readMistakes(f *folder) {
	c := f.csv("mistakes.csv")
	pictures, images, labels := c.texts("picture"), c.texts("test_image"), c.texts("label")
	predictions, confidence := c.texts("prediction"), c.numbers("confidence")
	if pictures == nil || images == nil || labels == nil || predictions == nil || confidence == nil {
		return
	}
	for i, name := range pictures {
		if !strings.HasPrefix(path.Clean(name), "mistakes/") { // never a file from elsewhere
			continue
		}
		b := f.read(name)
		if b == nil {
			f.note("%s is missing", name)
			continue
		}
		t.Mistakes = append(t.Mistakes, mistakeView{dataURI("image/png", b), images[i], labels[i], predictions[i],
			fmt.Sprintf("%.0f %%", 100*float64(confidence[i]))})
	}
}

// dataURI is a file inside of the page.
func dataURI(kind string, content []byte) template.URL {
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(content))
}
