package cells

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Ranking is how runs were chosen for retraining: by the accuracy of a small network of what they found, which is
// trained briefly.
type Ranking struct {
	By   string `json:"by"`   // the trainings, for people
	Keep int    `json:"keep"` // runs of every data set
}

// Rank gives every run with a small network its place among those of its data set, 1 for the best. Of equal accuracies
// the run that comes first is better.
func Rank(runs []Outcome) {
	byData := map[string][]*Outcome{}
	for i := range runs {
		if _, ok := runs[i].Values[SmallAccuracy]; ok {
			byData[runs[i].Data] = append(byData[runs[i].Data], &runs[i])
		}
	}
	for _, list := range byData {
		slices.SortStableFunc(list, func(a, b *Outcome) int {
			return cmp.Compare(b.Values[SmallAccuracy], a.Values[SmallAccuracy])
		})
		for i, o := range list {
			o.Place = i + 1
		}
	}
}

// note says what was ranked on a data set, and what was kept and left out.
func (r Ranking) note(data string, runs []Outcome) string {
	var kept, left []Outcome
	trained, all := 0, 0
	for _, o := range runs {
		if o.Data != data {
			continue
		}
		all++
		if _, ok := o.Values[SmallAccuracy]; ok {
			trained++
		}
		switch {
		case o.Place == 0:
		case o.State == LeftOut:
			left = append(left, o)
		default:
			kept = append(kept, o)
		}
	}
	text := fmt.Sprintf("%d of %d runs on %s are ranked by %s", trained, all, data, r.By)
	if len(kept) == 0 {
		return text + "; retraining waits for the others"
	}
	text += "; retrained: " + placed(kept)
	if len(left) > 0 {
		text += "; left out: " + placed(left) + "; test accuracies are of the best alone and do not compare methods"
	}
	return text
}

// placed names runs in the order of their places.
func placed(runs []Outcome) string {
	slices.SortFunc(runs, func(a, b Outcome) int { return cmp.Compare(a.Place, b.Place) })
	var names []string
	for _, o := range runs {
		names = append(names, fmt.Sprintf("%s seed %d (%.2f %%)", o.Method, o.Seed, o.Values[SmallAccuracy]))
	}
	return strings.Join(names, ", ")
}
