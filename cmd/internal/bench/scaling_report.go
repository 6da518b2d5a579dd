package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
)

// Scaling measures a case at all sizes of some dimensions within about a time, and reports how it grows.
func Scaling(ctx context.Context, p *terminal.Console, base Case, list []Dimension, limit time.Duration,
	dir rundir.Dir) error {
	points, err := measureDimensions(ctx, p, base, list, limit)
	if err != nil {
		return err
	}
	return reportScaling(p, base, list, points, dir)
}

// measureDimensions measures all points, and gives each an equal part of the time that is left.
func measureDimensions(ctx context.Context, p *terminal.Console, base Case, list []Dimension,
	limit time.Duration) (map[string][]scalingPoint, error) {
	end, left := time.Now().Add(limit), 0
	for _, d := range list {
		left += len(d.values)
	}
	p.Start(left, "scaling")
	defer p.Stop()
	points := map[string][]scalingPoint{}
	for _, d := range list {
		for _, v := range d.values {
			one, err := measurePoint(ctx, base, d, v, time.Until(end)/time.Duration(left))
			if err != nil {
				return nil, err
			}
			points[d.name] = append(points[d.name], one)
			p.Step(fmt.Sprintf("%s %d", d.name, v))
			left--
		}
	}
	return points, nil
}

// reportScaling prints the points and how they grow, and writes the files.
func reportScaling(p *terminal.Console, base Case, list []Dimension, points map[string][]scalingPoint,
	dir rundir.Dir) error {
	var rows [][]string
	var all []scalingPoint
	var growths []growth
	for _, d := range list {
		for _, one := range points[d.name] {
			all = append(all, one)
			rows = append(rows, []string{one.Dimension, strconv.Itoa(one.Value), terminal.Milliseconds(one.Weight),
				terminal.Milliseconds(one.Alpha), terminal.Milliseconds(one.Create), terminal.MB(one.Memory), strconv.Itoa(one.Nodes)})
		}
		for _, q := range quantities {
			growths = append(growths, growthOf(d, q, points[d.name]))
		}
		if err := drawScaling(d, points[d.name], dir); err != nil {
			return err
		}
	}
	if err := dir.Write("scaling.csv", terminal.CSV(scalingRows(all))); err != nil {
		return err
	}
	p.Result("%s, %d channels, %d cells, %dx%d images, where nothing else grows", base, base.Network.Channels,
		base.Network.Cells, base.Images.Size, base.Images.Size)
	err := p.Table([]string{"dimension", "value", "weight step: ms", "alpha step: ms", "sessions: ms",
		"memory: MB", "nodes"}, rows)
	if err != nil {
		return err
	}
	if err := printGrowth(p, growths); err != nil {
		return err
	}
	p.Result("written to %s", dir)
	return p.Value(map[string]any{"folder": dir, "points": all, "growth": growths})
}

// printGrowth prints the exponents and marks those worse than linear.
func printGrowth(p *terminal.Console, growths []growth) error {
	var rows [][]string
	for _, g := range growths {
		mark := ""
		if g.worse() {
			mark = "worse than linear"
		}
		rows = append(rows, []string{g.Dimension, g.Quantity, fmt.Sprintf("%.2f", g.Exponent),
			fmt.Sprintf("%.2f from %d", g.Upper, g.From), mark})
	}
	return p.Table([]string{"along", "grows", "exponent", "of the upper half", ""}, rows)
}

// scalingRows is scaling.csv.
func scalingRows(points []scalingPoint) [][]string {
	rows := [][]string{{"dimension", "value", "weight_step_seconds", "alpha_step_seconds",
		"session_seconds", "predicted_peak_bytes", "nodes"}}
	for _, p := range points {
		rows = append(rows, []string{p.Dimension, strconv.Itoa(p.Value), terminal.Number(p.Weight), terminal.Number(p.Alpha),
			terminal.Number(p.Create), strconv.Itoa(p.Memory), strconv.Itoa(p.Nodes)})
	}
	return rows
}
