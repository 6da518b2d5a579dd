package report

import "fmt"

// comparison shows several runs beside each other.
type comparison struct {
	Header []string
	Rows   []comparedRow
	Charts []chart
}

// comparedRow is a number of all runs.
type comparedRow struct {
	Label  string
	Values []string
}

// compare puts facts and curves side by side.
func compare(runs []*run) *comparison {
	c := &comparison{}
	names := distinctNames(runs)
	place := map[string]int{}
	for i, r := range runs {
		c.Header = append(c.Header, names[i])
		for _, f := range append([]fact{{Label: "Command", Value: r.Kind}}, r.Facts...) {
			at, ok := place[f.Label]
			if !ok {
				at = len(c.Rows)
				place[f.Label] = at
				c.Rows = append(c.Rows, comparedRow{f.Label, make([]string, len(runs))})
			}
			c.Rows[at].Values[i] = f.Value
		}
	}
	accuracy := chart{Title: "Accuracy", Kind: lines, XLabel: "epoch", YLabel: "%",
		Note: "On the images that a run is judged by: validation images for a search, test images for a retraining."}
	loss := chart{Title: "Loss", Kind: lines, XLabel: "epoch", YLabel: "cross-entropy"}
	for i, r := range runs {
		if len(r.curves.epochs) > len(accuracy.X) {
			accuracy.X, loss.X = r.curves.epochs, r.curves.epochs
		}
		label := names[i] + ", " + r.curves.what
		if len(r.curves.epochs) > 0 {
			accuracy.Series = append(accuracy.Series, series{Label: label, Values: r.curves.acc})
			loss.Series = append(loss.Series, series{Label: label, Values: r.curves.loss})
		}
	}
	for _, x := range []chart{accuracy, loss} {
		for i, s := range x.Series { // shorter runs end earlier
			x.Series[i].Values = append(s.Values[:len(s.Values):len(s.Values)], gaps(len(x.X)-len(s.Values))...)
		}
		if x.Series = x.drawable(); len(x.Series) > 0 {
			x.ID = "compare-" + slug(x.Title)
			c.Charts = append(c.Charts, x)
		}
	}
	return c
}

// distinctNames are the names of the folders, numbered where two are the same.
func distinctNames(runs []*run) (names []string) {
	count := map[string]int{}
	for _, r := range runs {
		count[r.Name]++
	}
	for i, r := range runs {
		name := r.Name
		if count[name] > 1 {
			name = fmt.Sprintf("%d: %s", i+1, name)
		}
		names = append(names, name)
	}
	return names
}
