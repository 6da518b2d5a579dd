package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"zos-ort/cmd/internal/memory"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// Dimension is a way in which a search can grow.
type Dimension struct {
	name   string
	values []int
	unit   string
	set    func(*Case, int)
}

var dimensions = []Dimension{
	{"batch", []int{8, 16, 32, 64}, "images per step",
		func(c *Case, n int) { c.Search.Batch = n }},
	{"cells", []int{4, 8, 12, 16, 20}, "cells of the supernet",
		func(c *Case, n int) { c.Network.Cells = n }},
	{"channels", []int{8, 16, 24, 32}, "channels of the first cells",
		func(c *Case, n int) { c.Network.Channels = n }},
	{"operations", []int{1, 2, 3, 4, 5, 6, 7, 8}, "operations per edge, of 8",
		func(c *Case, n int) { c.Mask = EvenMask(n) }},
}

// EvenMask keeps n operations of every edge, such that all but none occur equally often: the lists
// of 14 edges begin at one after the other of the seven operations. None, which costs nothing, comes
// last.
func EvenMask(n int) (m space.Mask) {
	ops := space.DARTS.Operations()
	others := len(ops) - 1
	for t, e := range m.Places() {
		for i := range n {
			p := space.None
			if i < others {
				p = ops[1+(e+i)%others]
			}
			m.Put(t, e, m.At(t, e).With(p))
		}
	}
	return m
}

// scalingPoint is what was measured at one size.
type scalingPoint struct {
	Dimension string  `json:"dimension"`
	Value     int     `json:"value"`
	Weight    float64 `json:"weight_step_seconds"` // the fastest
	Alpha     float64 `json:"alpha_step_seconds"`
	Create    float64 `json:"session_seconds"` // both sessions
	Memory    int     `json:"predicted_peak_bytes"`
	Nodes     int     `json:"nodes"` // of the weight step
}

// quantity is a column of the points that grows.
type quantity struct {
	name string
	of   func(scalingPoint) float64
}

var quantities = []quantity{
	{"weight step", func(p scalingPoint) float64 { return p.Weight }},
	{"alpha step", func(p scalingPoint) float64 { return p.Alpha }},
	{"memory", func(p scalingPoint) float64 { return float64(p.Memory) }},
	{"session creation", func(p scalingPoint) float64 { return p.Create }},
}

// growth is the power with which a quantity grows along a dimension, by least squares of the
// logarithms over all sizes, and by the upper half of them alone, where what does not grow at all
// hides the least.
type growth struct {
	Dimension string  `json:"dimension"`
	Quantity  string  `json:"quantity"`
	Exponent  float64 `json:"exponent"`
	Upper     float64 `json:"upper_exponent"`
	From      int     `json:"upper_from"`
}

// superlinear is the exponent from which growth counts as worse than linear; below it lies what a
// clock and caches make of a straight line.
const superlinear = 1.1

func (g growth) worse() bool { return max(g.Exponent, g.Upper) > superlinear }

func growthOf(d Dimension, q quantity, points []scalingPoint) growth {
	var x, y []float64
	for _, p := range points {
		x, y = append(x, math.Log(float64(p.Value))), append(y, math.Log(q.of(p)))
	}
	half := (len(points) - 1) / 2
	g := growth{Dimension: d.name, Quantity: q.name, From: points[half].Value}
	_, g.Exponent = stat.LinearRegression(x, y, nil, false)
	_, g.Upper = stat.LinearRegression(x[half:], y[half:], nil, false)
	return g
}

// measurePoint measures a network at one size for about the given time.
func measurePoint(ctx context.Context, c Case, d Dimension, value int,
	share time.Duration) (p scalingPoint, err error) {
	start := time.Now()
	d.set(&c, value)
	p = scalingPoint{Dimension: d.name, Value: value}
	list, err := c.steps()
	if err != nil {
		return p, err
	}
	p.Nodes, p.Memory = len(list[0].Graph.Nodes), memory.PeakOf(c.Experiment, list)
	opened, err := meter.OpenNet(list, ort.Options{Threads: c.Device.Threads})
	if err != nil {
		return p, err
	}
	net := network{opened}
	defer net.Close()
	p.Create = net.Created.Seconds()
	p.Weight, err = net.fastest(ctx, "weight", minRounds, maxRounds, start.Add(share/2))
	if err == nil {
		p.Alpha, err = net.fastest(ctx, "alpha", minRounds, maxRounds, start.Add(share))
	}
	if err != nil {
		err = fmt.Errorf("%s %d: %w", d.name, value, err)
	}
	return p, err
}

// FindDimensions reads names separated by commas; "all" names every dimension.
func FindDimensions(names string) (list []Dimension, err error) {
	if names == "all" {
		return dimensions, nil
	}
	var known []string
	for _, d := range dimensions {
		known = append(known, d.name)
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.Index(known, strings.TrimSpace(name))
		if i < 0 {
			return nil, fmt.Errorf("unknown dimension %q: use some of %s", name, strings.Join(known, ", "))
		}
		list = append(list, dimensions[i])
	}
	return list, nil
}
