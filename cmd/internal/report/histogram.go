package report

import (
	"cmp"
	"fmt"

	plots "zos-ort/cmd/internal/chart"
	"zos-ort/cmd/internal/judge"
)

// pictured are what the page draws itself where a run has the numbers, and shows as the static picture of the run where
// an earlier version left nothing else.
var pictured = []struct {
	numbers, picture, title string
	section                 func(r *run, f *folder, t table, title string)
}{
	{plots.Figure1Histogram, "figure1.svg", "Figure 1: scores of architectures with and without masks", (*run).figureSection},
	{plots.JudgeHistogram, "judge.svg", "Random architectures, and what was judged", (*run).judgeSection},
}

// figureSection draws the scores of both groups.
func (r *run) figureSection(f *folder, t table, title string) {
	var s struct{ Score string }
	f.json("config.json", &s)
	score := "predicted accuracy, %"
	if s.Score == "nngp" {
		score = "kernel norm of the untrained network"
	}
	r.add(&r.Sections, title, "", histogramOf(t, "Scores", score, nil))
}

// mostMarks is how many lines with names a histogram has room for.
const mostMarks = 8

// judgeSection draws where genotypes and masks lie among random architectures: of several genotypes of a method, their mean.
func (r *run) judgeSection(f *folder, t table, title string) {
	var j judge.Report
	f.json("judge.json", &j)
	var marks []mark
	for _, g := range j.Groups {
		name := g.Name
		if g.Seeds > 1 {
			name = fmt.Sprintf("%s, mean of %d", g.Name, g.Seeds)
		}
		marks = append(marks, mark{number(g.Accuracy.Mean), name})
	}
	if len(j.Groups) == 0 {
		for _, g := range j.Genotypes {
			marks = append(marks, mark{number(g.Accuracy), cmp.Or(g.Method, g.Name)})
		}
	}
	if len(j.Masks) == 1 {
		marks = append(marks, mark{number(j.Masks[0].Inside.Value), "mean inside the mask"})
	}
	note := "Accuracy of random architectures as the surrogate predicts it; lines mark what was judged."
	if len(marks) > mostMarks {
		marks, note = marks[:mostMarks], fmt.Sprintf("%s The first %d of %d are marked.", note, mostMarks, len(marks))
	}
	r.add(&r.Sections, title, note, histogramOf(t, "Predicted accuracy", "accuracy, %", marks))
}

// histogramOf draws the bars of a table as steps, from one edge of a bin to the next.
func histogramOf(t table, title, x string, marks []mark) chart {
	from, to := t.numbers("from"), t.numbers("to")
	c := chart{Title: title, Kind: steps, XLabel: x, YLabel: "density", Marks: marks, Peak: true}
	if len(t.rows) == 0 || from == nil || to == nil {
		return c
	}
	c.X = append(from, last(to))
	for i, name := range t.header {
		if name == "from" || name == "to" {
			continue
		}
		values := t.numbers(name)
		c.Series = append(c.Series, series{Label: name, Color: fmt.Sprintf("c%d", (i-2)%8), Values: append(values, last(values))})
	}
	return c
}

// loadPictures draws histograms, or shows the static pictures of them.
func (r *run) loadPictures(f *folder) {
	for _, s := range pictured {
		if t := f.csv(s.numbers); len(t.rows) > 0 {
			s.section(r, f, t, s.title)
			continue
		}
		b := f.read(s.picture)
		switch {
		case b == nil:
		case len(b) > largestPicture:
			f.note("%s is too large to be shown", s.picture)
		default:
			r.Pictures = append(r.Pictures, picture{s.title, dataURI("image/svg+xml", b)})
		}
	}
}

// largestPicture keeps a page within bounds.
const largestPicture = 300 << 10
