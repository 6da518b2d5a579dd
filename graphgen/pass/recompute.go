package pass

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/cost"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/plan"
)

// Recompute says how much of the forward pass the backward pass computes again instead of keeping
// it. The numbers are the same to the bit: the same operators get the same inputs twice.
type Recompute int

// Values of Recompute.
const (
	RecomputeOff  Recompute = iota // keep everything that the backward pass reads
	RecomputeOn                    // save memory for little time
	RecomputeAuto                  // as on, if that saves worthRecomputing of a peak that matters
	RecomputeMax                   // save memory for more time
)

// recomputeNames are the values as users write them.
var recomputeNames = []string{"off", "on", "auto", "max"}

func (r Recompute) String() string { return recomputeNames[r] }

// ParseRecompute reads auto, on, off or max.
func ParseRecompute(name string) (Recompute, error) {
	if i := slices.Index(recomputeNames, name); i >= 0 {
		return Recompute(i), nil
	}
	return 0, fmt.Errorf("recompute: use auto, on, off or max, got %q", name)
}

// extraTime is the part of a step's time that recomputing may add, as predicted.
var extraTime = map[Recompute]float64{RecomputeOn: .12, RecomputeAuto: .12, RecomputeMax: .3}

// RecomputeAuto spends time only for a peak of at least bigPeak bytes, and only if it falls by the
// fraction worthRecomputing. Programs of our own GPU kernels keep less to begin with, at the same batch.
const (
	bigPeak          = 256 << 20
	bigPeakOwn       = 128 << 20
	worthRecomputing = .05
)

func bigPeakOf(t Target) int {
	switch t {
	case CUDAOwn:
		return bigPeakOwn
	case CUDAOwnBFloat16:
		return bigPeakOwn / 2
	}
	return bigPeak
}

// recomputeValues applies the pass to a finished graph. Values kept as bfloat16 are widened again in
// the backward pass in any case, or float32 would be kept beside them.
func recomputeValues(g *ir.Graph, l Lowering) {
	widened := func(v *ir.Value) bool { return l.Target == CUDABFloat16 && late(v.Def) }
	undo := again(g, l.Target, widened)
	before := plan.Of(g).Peak
	if before < bigPeakOf(l.Target) && (l.Recompute == RecomputeOff || l.Recompute == RecomputeAuto) {
		closeBatch(g, l)
		return
	}
	if l.Recompute == RecomputeOff {
		return
	}
	c := choose(g, speedOf(l.Target).Time, extraTime[l.Recompute]*StepTime(g, l.Target))
	nodes := len(g.Nodes)
	undo()
	undo = again(g, l.Target, func(v *ir.Value) bool { return widened(v) || c.chosen(v) })
	if len(g.Nodes) == nodes && before < bigPeakOf(l.Target) { // nothing to compute again
		closeBatch(g, l)
		return
	}
	restore := settle(g)
	nameAxes(g)
	if l.Recompute == RecomputeAuto && float64(plan.Of(g).Peak) > (1-worthRecomputing)*float64(before) {
		restore()
		undo()
		again(g, l.Target, widened)
	}
}

// again recomputes the chosen values and brings the names of the batches up to date.
func again(g *ir.Graph, t Target, chosen func(*ir.Value) bool) (undo func()) {
	undo = recompute(g, t, chosen)
	nameAxes(g)
	return undo
}

// StepTime predicts how long the nodes of a graph take, in seconds. Only its ratios mean something:
// how much longer a step takes that recomputes.
func StepTime(g *ir.Graph, t Target) (seconds float64) {
	speed := speedOf(t)
	for _, n := range g.Nodes {
		seconds += speed.Time(n)
	}
	return seconds
}

func speedOf(t Target) cost.Speed {
	switch {
	case t.OnGPU():
		return cost.GPU
	case t == CPUKernels:
		return cost.Kernels
	}
	return cost.Portable
}
