// Package pareto compares what searches under several budgets have found with random architectures: accuracy against
// cost.
package pareto

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/stat"

	"zos-ort/cmd/internal/judge"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/budget"
	"zos-ort/models/space"
	"zos-ort/models/stream"
)

// Schema and Version of pareto.json, the file of a Report.
const (
	Schema  = "zos-ort/pareto"
	Version = 1
	File    = "pareto.json"
)

// Point is an architecture with its cost and its accuracy in percent.
type Point struct {
	Cost     float64 `json:"cost"`
	Accuracy float64 `json:"accuracy"`
}

// Found is what a search under a budget has found.
type Found struct {
	Point
	Run    string  `json:"run"` // below the folder
	Method string  `json:"method"`
	Seed   uint64  `json:"seed"`
	Most   float64 `json:"most"` // that it may cost
}

// Level is a method under a budget, over its seeds, beside random architectures within the same budget.
type Level struct {
	Most       float64    `json:"most"`
	Method     string     `json:"method"`
	Seeds      int        `json:"seeds"`
	Cost       float64    `json:"cost"` // mean
	Accuracy   float64    `json:"accuracy"`
	Deviation  float64    `json:"accuracy_deviation"`
	Random     judge.Mean `json:"random_accuracy"`
	Spread     float64    `json:"random_deviation"`
	Percentile float64    `json:"percentile"` // mean over the seeds, among random architectures within the budget
}

// Report is the comparison.
type Report struct {
	Schema  string  `json:"schema"`
	Version int     `json:"version"`
	Source  string  `json:"source"` // of the accuracies
	Limit   string  `json:"limit"`  // what is limited
	Network string  `json:"network"`
	Levels  []Level `json:"levels"`
	Found   []Found `json:"found"`
	Random  []Point `json:"random"` // of the whole space
}

// Settings say how much is drawn.
type Settings struct {
	Samples int // random architectures of the whole space, and within every budget
	Seed    uint64
}

// run is a search with its limit.
type run struct {
	judge.Subject
	limits budget.Limits
	size   string
}

// Of compares the searches in a folder.
func Of(ctx context.Context, s Settings, source judge.Source, name, folder string, p *terminal.Console) (*Report, error) {
	runs, err := find(folder)
	if err != nil {
		return nil, err
	}
	first := runs[0]
	r := &Report{Schema: Schema, Version: Version, Source: name, Limit: first.limits[0].Name, Network: first.size}
	within := map[float64][]float64{} // accuracies of random architectures by budget
	for _, x := range runs {
		within[x.limits[0].Most] = nil
	}
	defer p.Stop()
	p.Start((1+len(within))*s.Samples+len(runs), "architectures")
	step := func() { p.Step("") }
	rng := stream.New(s.Seed, stream.JudgeSpace, 0)
	if r.Random, err = sample(ctx, rng, source, s.Samples, nil, first.limits[0], step); err != nil {
		return nil, err
	}
	for _, x := range runs {
		acc, err := source.Accuracies(ctx, []space.Genotype{*x.Genotype}, step)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.Name, err)
		}
		l := x.limits[0]
		at, err := filepath.Rel(folder, x.Name)
		if err != nil {
			return nil, err
		}
		r.Found = append(r.Found, Found{Point{l.Costs.Of(*x.Genotype), acc[0]}, filepath.ToSlash(at), x.Method, *x.Seed, l.Most})
		if within[l.Most] != nil {
			continue
		}
		random, err := sample(ctx, rng, source, s.Samples, x.limits, l, step)
		if err != nil {
			return nil, err
		}
		for _, y := range random {
			within[l.Most] = append(within[l.Most], y.Accuracy)
		}
		slices.Sort(within[l.Most])
	}
	r.Levels = levels(r.Found, within)
	return r, nil
}

// find reads the searches of a folder, which have one limit each, on the same cost of the same network.
func find(folder string) (runs []run, err error) {
	subjects, err := judge.Find(folder)
	if err != nil {
		return nil, err
	}
	for _, s := range subjects {
		if s.Genotype == nil || s.Method == "" {
			continue
		}
		e, err := settings.Read(filepath.Join(s.Name, "config.json"))
		if err != nil {
			return nil, err
		}
		x := run{Subject: s, size: fmt.Sprintf("%d cells of %d channels, %d classes, images of %[4]dx%[4]d", e.Export.Cells,
			e.Export.Channels, e.Images.Classes, e.Images.Size)}
		e.Budget = e.Budget.KeptIn(s.Name)
		if x.limits, err = e.Limits(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		switch {
		case len(x.limits) == 0:
			return nil, fmt.Errorf("%s has no budget: nothing can be drawn against its cost", s.Name)
		case len(runs) > 0 && (x.size != runs[0].size || x.limits[0].Name != runs[0].limits[0].Name):
			return nil, fmt.Errorf("%s limits the %s of %s, and %s the %s of %s: they have no common axis", s.Name,
				x.limits[0].Name, x.size, runs[0].Name, runs[0].limits[0].Name, runs[0].size)
		}
		runs = append(runs, x)
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("no search in %s has found anything", folder)
	}
	return runs, nil
}

// sample draws random architectures within limits.
func sample(ctx context.Context, rng *rand.Rand, source judge.Source, n int, ls budget.Limits, cost budget.Limit,
	step func()) (list []Point, err error) {
	archs := make([]space.Genotype, n)
	for i := range archs {
		if archs[i], err = ls.Random(rng, source.Space().FullMask()); err != nil {
			return nil, err
		}
	}
	acc, err := source.Accuracies(ctx, archs, step)
	for i := range acc {
		list = append(list, Point{cost.Costs.Of(archs[i]), acc[i]})
	}
	return list, err
}

// levels summarises by budget and method.
func levels(found []Found, within map[float64][]float64) (list []Level) {
	type key struct {
		most   float64
		method string
	}
	by := map[key][]Found{}
	for _, f := range found {
		by[key{f.Most, f.Method}] = append(by[key{f.Most, f.Method}], f)
	}
	for k, fs := range by {
		var costs, accuracies, percentiles []float64
		random := within[k.most]
		for _, f := range fs {
			costs, accuracies = append(costs, f.Cost), append(accuracies, f.Accuracy)
			percentiles = append(percentiles, judge.Percentile(random, f.Accuracy))
		}
		l := Level{Most: k.most, Method: k.method, Seeds: len(fs), Cost: stat.Mean(costs, nil), Accuracy: stat.Mean(accuracies, nil),
			Random: judge.MeanOf(random), Spread: stat.StdDev(random, nil), Percentile: stat.Mean(percentiles, nil)}
		if len(fs) > 1 {
			l.Deviation = stat.StdDev(accuracies, nil)
		}
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b Level) int { return cmp.Or(cmp.Compare(a.Most, b.Most), cmp.Compare(a.Method, b.Method)) })
	return list
}
