package latency

import (
	"context"
	"math"
	"time"

	"gonum.org/v1/gonum/stat"

	"zos-ort/cmd/internal/costs"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/stats"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// Measure makes the table of this machine.
func (r Request) Measure(ctx context.Context, p *terminal.Console) (*costs.Table, error) {
	f, err := r.measure(ctx, p)
	if err != nil {
		return nil, err
	}
	t := &costs.Table{Schema: costs.Schema, Version: costs.Version, Program: settings.Program,
		Date: time.Now().UTC().Format(time.RFC3339), Host: host.Name(), CPU: host.CPU(), Setting: r.Setting}
	for _, x := range r.Space.Of().Places(r.Size(), r.Image) {
		ms, row := f.places[x.Place], costs.RowOf(x.Place)
		row.Latency = &ms
		t.Places = append(t.Places, row)
	}
	genes := r.Space.Of().SumCosts(r.Size(), r.Image, 0, func(p space.Place) float64 { return f.places[p] })
	fixed, scale := fit(genes, f.fit)
	t.Fixed, t.Scale = &fixed, &scale
	predict, err := t.Costs()
	if err == nil && len(f.check) > 0 {
		t.Check = compare(predict, f.check)
	}
	return t, err
}

// fit finds the fixed part and the scale of operations with the least squares of relative errors. The scale makes up for
// what an operation alone does not meet: weights and activations of a whole network leave the caches, and neighbours are
// fused. Without a slope to see, operations are taken as they were measured.
func fit(genes *space.Costs, list []sample) (fixed, scale float64) {
	var x, y, w []float64
	for _, s := range list {
		x, y, w = append(x, genes.Of(s.genotype.Live())), append(y, s.ms), append(w, 1/(s.ms*s.ms))
	}
	fixed, scale = stat.LinearRegression(x, y, w, false)
	if fixed >= 0 && scale > 0 && !math.IsInf(scale, 0) {
		return fixed, scale
	}
	if _, scale = stat.LinearRegression(x, y, w, true); fixed < 0 && scale > 0 && !math.IsInf(scale, 0) {
		return 0, scale
	}
	fixed = 0
	for i := range x {
		fixed += (y[i] - x[i]) / float64(len(x))
	}
	return max(0, fixed), 1
}

// compare sets predictions beside measurements. What nobody reads is not in the graph, and so not in the prediction.
func compare(predict *space.Costs, list []sample) *costs.Check {
	c := &costs.Check{Networks: len(list)}
	var p, m []float64
	for _, s := range list {
		ms := predict.Of(s.genotype.Live())
		p, m = append(p, ms), append(m, s.ms)
		c.Rows = append(c.Rows, costs.Sample{Genotype: s.genotype.String(), Predicted: ms, Measured: s.ms})
		off := math.Abs(ms-s.ms) / s.ms
		c.Mean += off / float64(len(list))
		c.Worst = max(c.Worst, off)
	}
	if r := stats.Spearman(p, m); !math.IsNaN(r) {
		c.Spearman = &r
	}
	return c
}
