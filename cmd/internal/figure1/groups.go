package figure1

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
	"zos-ort/models/stream"
)

// group is one of the two samples of architectures.
type group struct {
	name   string
	archs  []space.Genotype
	masks  []space.Mask // shared ones: architecture i was drawn from masks[i % len(masks)]
	scores []float64
}

// draw draws both groups: architectures from the whole space, and from inside of Bernoulli(xi) masks.
func (s *Settings) draw() ([]group, error) {
	free, masked := group{name: "unmasked"}, group{name: "masked"}
	rng := stream.New(s.Seed, stream.SharedMasks, 0)
	for range s.Masks {
		m, _ := space.DARTS.RandomMask(rng, s.Xi)
		masked.masks = append(masked.masks, m)
	}
	rng = stream.New(s.Seed, stream.Unmasked, 0)
	if err := free.fill(s.Samples, rng, func(int) space.Mask { return space.DARTS.FullMask() }); err != nil {
		return nil, err
	}
	rng = stream.New(s.Seed, stream.Masked, 0)
	err := masked.fill(s.Samples, rng, func(i int) space.Mask {
		if s.Masks > 0 {
			return masked.masks[i%s.Masks]
		}
		m, _ := space.DARTS.RandomMask(rng, s.Xi)
		return m
	})
	return []group{free, masked}, err
}

func (g *group) fill(n int, rng *rand.Rand, mask func(i int) space.Mask) error {
	g.archs = make([]space.Genotype, n)
	for i := range g.archs {
		var err error
		if g.archs[i], err = space.RandomGenotype(rng, mask(i)); err != nil {
			return err
		}
	}
	return nil
}

// distribution describes the scores of a group.
type distribution struct {
	Group     string             `json:"group"`
	Samples   int                `json:"samples"`
	Mean      float64            `json:"mean"`
	Deviation float64            `json:"standard_deviation"`
	Quantiles map[string]float64 `json:"quantiles"`
}

// quantiles of the table, with 0 and 1 for the extremes.
var quantiles = []float64{0, .05, .25, .5, .75, .95, 1}

// comparison says how far apart the two groups are.
type comparison struct {
	Difference float64 `json:"mean_difference"` // masked less unmasked
	Error      float64 `json:"standard_error"`  // of the difference, for independent architectures
	KS         float64 `json:"kolmogorov_smirnov"`
	P          float64 `json:"p_value"` // of KS, for independent architectures
}

// Result is what figure1 prints with --json and writes to summary.json.
type Result struct {
	Run        string         `json:"run"`
	Groups     []distribution `json:"groups"`
	Comparison comparison     `json:"comparison"`
}

func resultOf(groups []group) (r Result) {
	var sorted [2][]float64
	for i, g := range groups {
		sorted[i] = slices.Sorted(slices.Values(g.scores))
		d := distribution{Group: g.name, Samples: len(g.scores), Quantiles: map[string]float64{}}
		d.Mean, d.Deviation = stat.MeanStdDev(g.scores, nil)
		for _, q := range quantiles {
			d.Quantiles[terminal.Number(q)] = stat.Quantile(q, stat.LinInterp, sorted[i], nil)
		}
		r.Groups = append(r.Groups, d)
	}
	free, masked := r.Groups[0], r.Groups[1]
	r.Comparison.Difference = masked.Mean - free.Mean
	r.Comparison.Error = math.Hypot(stat.StdErr(masked.Deviation, float64(masked.Samples)),
		stat.StdErr(free.Deviation, float64(free.Samples)))
	r.Comparison.KS = stat.KolmogorovSmirnov(sorted[0], nil, sorted[1], nil)
	r.Comparison.P = kolmogorovP(r.Comparison.KS, free.Samples, masked.Samples)
	return r
}

// kolmogorovP is the probability that two samples of one distribution are at least d apart: the
// limit 2 sum_k (-1)^(k-1) exp(-2 k^2 x^2) with x = d sqrt(n m / (n + m)) (Smirnov 1948).
func kolmogorovP(d float64, n, m int) float64 {
	x := d * math.Sqrt(float64(n)*float64(m)/float64(n+m))
	if x < .2 { // the series converges slowly, to 1 - 1e-12
		return 1
	}
	sum, sign := 0., 1.
	for k := 1.; k <= 100; k++ {
		sum += sign * math.Exp(-2*k*k*x*x)
		sign = -sign
	}
	return min(1, max(0, 2*sum))
}

// print prints the table of both groups.
func (r Result) print(p *terminal.Console) error {
	header := []string{"group", "samples", "mean", "deviation", "lowest", "5 %", "25 %", "median", "75 %",
		"95 %", "highest"}
	var rows [][]string
	for _, d := range r.Groups {
		row := []string{d.Group, strconv.Itoa(d.Samples), digits(d.Mean), digits(d.Deviation)}
		for _, q := range quantiles {
			row = append(row, digits(d.Quantiles[terminal.Number(q)]))
		}
		rows = append(rows, row)
	}
	if err := p.Table(header, rows); err != nil {
		return err
	}
	c := r.Comparison
	p.Result("masked less unmasked: mean %s (standard error %s), Kolmogorov-Smirnov distance %.4f "+
		"(p %.3g if the architectures are independent)", digits(c.Difference), digits(c.Error), c.KS, c.P)
	return nil
}

func digits(x float64) string { return fmt.Sprintf("%.5g", x) }
