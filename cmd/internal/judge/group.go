package judge

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"

	"zos-ort/models/space"
	"zos-ort/models/stream"
)

// Interval is a mean with its central 95 % bootstrap interval.
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func intervalOf(rng *rand.Rand, x []float64) Interval {
	i := Interval{Mean: stat.Mean(x, nil)}
	i.Low, i.High = bootstrap(rng, x)
	return i
}

// Group is what several seeds of a method gave.
type Group struct {
	Name       string   `json:"name"`
	Seeds      int      `json:"seeds"`
	Accuracy   Interval `json:"accuracy"`
	Percentile Interval `json:"percentile"`
	Deviation  float64  `json:"percentile_deviation"`
	Lowest     float64  `json:"lowest_percentile"`
	Skips      int      `json:"most_skips_in_a_normal_cell"`
	Worth      int      `json:"worth_random_draws"` // of the mean accuracy
	// P is the probability that as many random architectures have so high a mean percentile.
	P float64 `json:"p_random"`
}

// Pair compares two groups seed by seed.
type Pair struct {
	Name       string   `json:"name"`
	Other      string   `json:"other"`
	Seeds      int      `json:"common_seeds"`
	Difference Interval `json:"percentile_difference"`
	P          float64  `json:"p_better"` // by sign flips, one-sided
}

// MaskGroup is what the masks of several seeds of a method have in common.
type MaskGroup struct {
	Name  string `json:"name"`
	Seeds int    `json:"seeds"`
	// Lift is the mean over the seeds. Its error is that between seeds and that of the drawing, which all
	// seeds share.
	Lift Mean `json:"lift"`
	// Agreement is the mean number of operations other than none that two seeds both keep, and Chance
	// what random masks of the same sizes have in common.
	Agreement  float64 `json:"agreement"`
	Chance     float64 `json:"agreement_by_chance"`
	Operations float64 `json:"operations"`
}

// groups puts verdicts together by method, in the order in which methods first occur.
func groups[T any](list []T, name func(T) string) (names []string, by map[string][]T) {
	by = map[string][]T{}
	for _, x := range list {
		if n := name(x); n != "" {
			if by[n] == nil {
				names = append(names, n)
			}
			by[n] = append(by[n], x)
		}
	}
	return names, by
}

// Groups describes the methods with more than one genotype, and compares them in pairs.
func (j *Judge) Groups(list []Genotype) (out []Group, pairs []Pair) {
	out, pairs = []Group{}, []Pair{}
	rng := stream.New(j.Seed, stream.JudgeTests, 0)
	names, by := groups(list, func(g Genotype) string { return g.Method })
	names = slices.DeleteFunc(names, func(n string) bool { return len(by[n]) < 2 })
	for _, n := range names {
		g := Group{Name: n, Seeds: len(by[n])}
		var accuracies, percentiles []float64
		for _, x := range by[n] {
			accuracies, percentiles = append(accuracies, x.Accuracy), append(percentiles, x.Percentile)
			g.Skips = max(g.Skips, x.Skips[space.Normal])
		}
		g.Accuracy, g.Percentile = intervalOf(rng, accuracies), intervalOf(rng, percentiles)
		g.Lowest, g.Deviation = slices.Min(percentiles), stat.StdDev(percentiles, nil)
		g.Worth, g.P = worth(j.random, g.Accuracy.Mean), uniformTail(g.Seeds, g.Percentile.Mean/100)
		out = append(out, g)
	}
	for i, a := range names {
		for _, b := range names[i+1:] {
			if p, ok := compare(rng, by[a], by[b]); ok {
				pairs = append(pairs, p)
			}
		}
	}
	return out, pairs
}

// compare pairs two methods by seed; two seeds in common are needed.
func compare(rng *rand.Rand, a, b []Genotype) (p Pair, ok bool) {
	var differences []float64
	for _, x := range a {
		for _, y := range b {
			if x.Seed != nil && y.Seed != nil && *x.Seed == *y.Seed {
				differences = append(differences, x.Percentile-y.Percentile)
			}
		}
	}
	if len(differences) < 2 {
		return p, false
	}
	return Pair{a[0].Method, b[0].Method, len(differences), intervalOf(rng, differences),
		signFlips(rng, differences)}, true
}

// MaskGroups describes the methods with more than one mask.
func MaskGroups(list []Mask) (out []MaskGroup) {
	out = []MaskGroup{}
	names, by := groups(list, func(m Mask) string { return m.Method })
	for _, n := range names {
		masks := by[n]
		if len(masks) < 2 {
			continue
		}
		g := MaskGroup{Name: n, Seeds: len(masks)}
		var lifts []float64
		drawing := 0.
		for _, m := range masks {
			lifts, drawing = append(lifts, m.Lift.Value), max(drawing, m.Lift.Error)
			g.Operations += float64(m.Operations) / float64(len(masks))
		}
		g.Lift = MeanOf(lifts)
		g.Lift.Error = math.Hypot(g.Lift.Error, drawing)
		pairs := 0.
		for i, a := range masks {
			for _, b := range masks[:i] {
				common, chance := agreement(*a.Mask, *b.Mask)
				g.Agreement, g.Chance, pairs = g.Agreement+float64(common), g.Chance+chance, pairs+1
			}
		}
		g.Agreement, g.Chance = g.Agreement/pairs, g.Chance/pairs
		out = append(out, g)
	}
	return out
}

// agreement counts the operations other than none that both masks keep, and those that random masks
// of their sizes are expected to.
func agreement(a, b space.Mask) (common int, chance float64) {
	x, y := sizesOf(a), sizesOf(b)
	full := sizesOf(a.Space().FullMask())
	for t, e := range a.Places() {
		common += (a.Genes(t, e) & b.Genes(t, e)).Len()
		chance += float64(x[t][e]*y[t][e]) / float64(full[t][e])
	}
	return common, chance
}
