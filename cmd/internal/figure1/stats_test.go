package figure1

import (
	"math"
	"testing"

	"zos-ort/cmd/internal/chart"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/graphgen/check"
	"zos-ort/models/space"
)

// Critical values of the Kolmogorov distribution, from its tables.
func TestKolmogorovP(t *testing.T) {
	for x, want := range map[float64]float64{1.2238: .10, 1.3581: .05, 1.6276: .01, .1: 1, .8276: .5, 4: 0} {
		if p := kolmogorovP(x/math.Sqrt(5000), 10000, 10000); math.Abs(p-want) > 1e-4 {
			t.Errorf("sqrt(n) d = %v: p = %v, want %v", x, p, want)
		}
	}
	if p := kolmogorovP(1, 3, 3); p < 0 || p > .1 {
		t.Errorf("p = %v for disjoint samples", p)
	}
}

func TestResultOfGroups(t *testing.T) {
	r := resultOf([]group{{name: "a", scores: []float64{3, 1, 2, 5, 4}}, {name: "b", scores: []float64{13, 11,
		12, 15, 14}}})
	a, b := r.Groups[0], r.Groups[1]
	q := a.Quantiles
	check.Close(t, "a", []float64{a.Mean, a.Deviation, q["0"], q["0.5"], q["1"]},
		[]float64{3, math.Sqrt(2.5), 1, 2.5, 5}, 1e-12, 0) // gonum interpolates the empirical distribution
	c := r.Comparison
	check.Close(t, "comparison", []float64{b.Mean, c.Difference, c.Error, c.KS}, []float64{13, 10, 1, 1}, 1e-12, 0)
	same := resultOf([]group{{scores: check.Normal(1, 20000, 0)}, {scores: check.Normal(2, 20000, 0)}}).Comparison
	apart := resultOf([]group{{scores: check.Normal(1, 20000, 0)}, {scores: check.Normal(2, 20000, .1)}}).Comparison
	if same.P < .001 || apart.P > 1e-6 || math.Abs(apart.Difference-.1) > 5*apart.Error {
		t.Errorf("one distribution %+v, two %+v", same, apart)
	}
}

// A surrogate that knows one accuracy only still gives a figure.
func TestChartOfEqualScores(t *testing.T) {
	s := &Settings{Samples: 3, Xi: .5, Bins: 10, Score: ScoreNNGP}
	archs := []space.Genotype{check.Must(space.Named("DARTS_V1"))(t)}
	groups := []group{{name: "unmasked", archs: archs, scores: []float64{2, 2, 2}},
		{name: "masked", archs: archs, scores: []float64{2, 2, 2}}}
	drawing := check.Must(s.chart(groups, chart.Bins(s.Bins, groups[0].scores)))(t)
	if drawing.X.Min > 2 || drawing.X.Max < 2 || !(drawing.Y.Max > 0) || math.IsInf(drawing.Y.Max, 0) {
		t.Errorf("axes %v to %v and up to %v", drawing.X.Min, drawing.X.Max, drawing.Y.Max)
	}
	if err := chart.Write(rundir.Dir(t.TempDir()), "f", drawing); err != nil {
		t.Error(err)
	}
}
