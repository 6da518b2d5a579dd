// Package judge says how good architectures and masks are among random ones, by accuracies that
// somebody else has measured or predicted. It follows the protocol of Yang et al. (ICLR 2020),
// Li and Talwalkar (UAI 2019) and Lindauer and Hutter (JMLR 2020): every seed, percentiles and
// relative improvement over random architectures of the same space, best of n random draws, simple
// rules as controls, intervals and paired tests.
package judge

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"

	"zos-ort/models/space"
	"zos-ort/models/stream"
)

// Source knows accuracies in percent.
type Source interface {
	Space() *space.Space // whose architectures it knows
	Accuracies(ctx context.Context, archs []space.Genotype, step func()) ([]float64, error)
	Close()
}

// Settings say how much is drawn.
type Settings struct {
	Samples int    `json:"samples"` // random architectures that percentiles refer to
	Masks   int    `json:"masks"`   // random masks that the lift of a mask refers to
	Draws   int    `json:"draws"`   // architectures drawn from inside of every mask
	Seed    uint64 `json:"seed"`
}

// Default draws enough for percentiles to within half a percent.
func Default() Settings { return Settings{Samples: 10000, Masks: 60, Draws: 400, Seed: 1} }

// Check refuses what gives no figures.
func (s Settings) Check() error {
	for _, x := range []struct {
		flag     string
		n, least int
		most     int
	}{{"samples", s.Samples, 100, 10_000_000}, {"masks", s.Masks, 2, 100_000}, {"draws", s.Draws, 2, 1_000_000}} {
		if x.n < x.least || x.n > x.most {
			return fmt.Errorf("--%s must lie between %d and %d, got %d", x.flag, x.least, x.most, x.n)
		}
	}
	return nil
}

// Judge compares with the random architectures of a source.
type Judge struct {
	Settings
	source Source
	random []float64 // accuracies of random architectures, rising
	mean   float64
	masks  map[sizes][]float64 // mean accuracies inside of random masks, by size
}

// New draws the random architectures, or takes those of a table.
func New(ctx context.Context, s Settings, source Source, step func()) (*Judge, error) {
	j := &Judge{Settings: s, source: source, masks: map[sizes][]float64{}}
	var err error
	if t, ok := source.(*Table); ok {
		j.random = slices.Clone(t.all)
	} else if j.random, err = j.inside(ctx, stream.New(s.Seed, stream.JudgeSpace, 0), source.Space().FullMask(), s.Samples,
		step); err != nil {
		return nil, err
	}
	slices.Sort(j.random)
	j.mean = stat.Mean(j.random, nil)
	return j, nil
}

// inside returns the accuracies of n architectures drawn from a mask.
func (j *Judge) inside(ctx context.Context, rng *rand.Rand, m space.Mask, n int, step func()) ([]float64, error) {
	archs := make([]space.Genotype, n)
	for i := range archs {
		var err error
		if archs[i], err = space.RandomGenotype(rng, m); err != nil {
			return nil, err
		}
	}
	return j.source.Accuracies(ctx, archs, step)
}

// Baseline are the random architectures.
type Baseline struct {
	Samples   int             `json:"samples"`
	Mean      float64         `json:"mean_accuracy"`
	Deviation float64         `json:"standard_deviation"`
	Median    float64         `json:"median"`
	BestOf    map[int]float64 `json:"expected_best_of"`
}

// Draws are the numbers of random draws whose expected best is reported.
var Draws = []int{1, 2, 5, 10, 25, 100}

// Baseline describes the random architectures.
func (j *Judge) Baseline() Baseline {
	b := Baseline{Samples: len(j.random), Mean: j.mean, Deviation: stat.StdDev(j.random, nil),
		Median: stat.Quantile(.5, stat.LinInterp, j.random, nil), BestOf: map[int]float64{}}
	for _, n := range Draws {
		b.BestOf[n] = bestOf(j.random, n)
	}
	return b
}

// Genotype is the verdict on an architecture.
type Genotype struct {
	Subject
	Accuracy   float64 `json:"accuracy"`
	Percentile float64 `json:"percentile"` // among random architectures
	// Improvement over the mean random architecture, in percent of it (Yang et al. 2020).
	Improvement float64 `json:"relative_improvement"`
	// Worth is the number of random draws whose best one is expected to be as good; 0 is less than one.
	Worth      int       `json:"worth_random_draws"`
	Skips      [2]int    `json:"skip_connections"`   // of the normal and the reduction cell
	Standing   *Standing `json:"standing,omitempty"` // among all, where a table knows them
	Parameters int       `json:"parameters"`         // of the network that the papers retrain, ten classes
}

// skips are the skip connections of the cells.
func skips(g space.Genotype) (n [2]int) {
	for _, t := range g.Space().CellTypes() {
		n[t] = g.Skips(t)
	}
	return n
}

// parameters are those of the network that the literature trains, with ten classes.
func parameters(g space.Genotype) int {
	const classes = 10
	size := g.Space().Skeleton().Retrain
	return space.NetworkParams(g, size.Channels, size.Cells, classes, false)
}

// Genotypes judges architectures.
func (j *Judge) Genotypes(ctx context.Context, subjects []Subject) ([]Genotype, error) {
	list := []Genotype{}
	for _, s := range subjects {
		if s.Genotype == nil {
			continue
		}
		acc, err := j.source.Accuracies(ctx, []space.Genotype{*s.Genotype}, nothing)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		list = append(list, j.genotype(s, acc[0]))
	}
	return list, nil
}

func nothing() {}

func (j *Judge) genotype(s Subject, accuracy float64) Genotype {
	g := *s.Genotype
	v := Genotype{Subject: s, Accuracy: accuracy, Percentile: Percentile(j.random, accuracy),
		Improvement: 100 * (accuracy - j.mean) / j.mean, Worth: worth(j.random, accuracy),
		Skips:      skips(g),
		Parameters: parameters(g)}
	if t, ok := j.source.(*Table); ok {
		v.Standing = t.Standing(accuracy)
	}
	return v
}

// Mean is an estimate with its standard error.
type Mean struct {
	Value float64 `json:"mean"`
	Error float64 `json:"standard_error"`
}

// MeanOf estimates the mean of a distribution from a sample.
func MeanOf(x []float64) Mean {
	mean, sd := stat.MeanStdDev(x, nil)
	return Mean{mean, sd / math.Sqrt(float64(len(x)))}
}

// less is the difference of two independent estimates.
func (m Mean) less(other Mean) Mean {
	return Mean{m.Value - other.Value, math.Hypot(m.Error, other.Error)}
}
