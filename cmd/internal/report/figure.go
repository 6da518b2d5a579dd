package report

import "fmt"

// loadFigure reads what figure1 has found.
func (r *run) loadFigure(f *folder) {
	var x struct {
		Groups []struct {
			Group     string  `json:"group"`
			Samples   int     `json:"samples"`
			Mean      float64 `json:"mean"`
			Deviation float64 `json:"standard_deviation"`
		} `json:"groups"`
		Comparison struct {
			Difference float64 `json:"mean_difference"`
			Error      float64 `json:"standard_error"`
			P          float64 `json:"p_value"`
		} `json:"comparison"`
	}
	if !f.json("summary.json", &x) {
		r.Verdict = "Nothing is scored yet."
		return
	}
	c := x.Comparison
	r.Verdict = fmt.Sprintf("Architectures with masks score %+.3f (standard error %.3f) against those without; that the two "+
		"distributions are one has p = %.2g.", c.Difference, c.Error, c.P)
	for _, g := range x.Groups {
		r.Facts = append(r.Facts, fact{"Mean score, " + g.Group, fmt.Sprintf("%.3f", g.Mean),
			fmt.Sprintf("%d architectures, deviation %.3f", g.Samples, g.Deviation)})
	}
}
