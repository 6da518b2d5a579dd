package pass

import (
	"fmt"

	"zos-ort/graphgen/ir"
)

// rewrite is a rewrite of a graph.
type rewrite struct {
	name string
	on   func(Lowering) bool
	// run rewrites the graph and returns what replaces its values, where somebody outside of the graph
	// knows these.
	run func(*ir.Graph, Lowering) map[*ir.Value]*ir.Value
}

// forward are the rewrites of the forward graph, before it is differentiated: the backward pass is that
// of the operators that they leave.
var forward = []rewrite{
	{"reduce", func(l Lowering) bool { return l.Passes.Has(Reduce) },
		func(g *ir.Graph, _ Lowering) map[*ir.Value]*ir.Value { return joinReductions(g) }},
	{"fuse", func(l Lowering) bool { return l.Target == CPUKernels },
		func(g *ir.Graph, l Lowering) map[*ir.Value]*ir.Value { return fuse(g, l.Unfused) }},
}

// finished are the rewrites of the whole graph: forward, backward and update.
var finished = []rewrite{
	{"trim", always, inPlace(func(*ir.Graph, Lowering) {})},
	{"depthwise", func(l Lowering) bool { return l.Target == CPUKernels },
		inPlace(func(g *ir.Graph, _ Lowering) { g.Rewrite(depthwise); g.Rewrite(reshapes) })},
	{"sums", func(l Lowering) bool { return l.Target == CPUKernels && !l.Unfused.Sums },
		inPlace(func(g *ir.Graph, _ Lowering) { accumulate(g) })},
	{"indices", func(l Lowering) bool { return l.Passes.Has(Indices) },
		inPlace(func(g *ir.Graph, _ Lowering) { narrowIndices(g) })},
	{"plain pools", func(l Lowering) bool { return l.Target.OnGPU() },
		inPlace(func(g *ir.Graph, _ Lowering) { g.Rewrite(plainPools) })},
	{"bfloat16", func(l Lowering) bool { return l.Target == CUDABFloat16 },
		inPlace(func(g *ir.Graph, _ Lowering) { narrow(g) })},
	{"add in turn", func(l Lowering) bool { return l.Target.OnGPU() },
		inPlace(func(g *ir.Graph, _ Lowering) { addInTurn(g) })},
	{"recompute", always, inPlace(recomputeCheap)},
}

func always(Lowering) bool { return true }

// inPlace is a rewrite that replaces no value that anybody outside of the graph knows.
func inPlace(f func(*ir.Graph, Lowering)) func(*ir.Graph, Lowering) map[*ir.Value]*ir.Value {
	return func(g *ir.Graph, l Lowering) map[*ir.Value]*ir.Value { f(g, l); return nil }
}

// passOrder are pairs of passes of which the first must come before the second.
var passOrder = []struct{ first, second, why string }{
	{"reduce", "fuse", "fuse takes up the convolutions that reduce joins"},
	{"trim", "depthwise", "a rewrite must not see nodes that nobody reads: their readers count"},
	{"depthwise", "sums", "sums are added by the operators that depthwise puts in"},
	{"indices", "plain pools", "the scatter of a max pool's gradient reads the restored index"},
	{"plain pools", "bfloat16", "gradients stay float32, so they must be in their final form"},
	{"bfloat16", "add in turn", "casts between the terms of a sum change which sums follow each other"},
	{"add in turn", "recompute", "whether recomputing pays depends on the order of execution"},
	{"bfloat16", "recompute", "recompute keeps the bfloat16 form and widens it again"},
}

// Forward applies the passes of a forward graph, which has no outputs yet. Replaced is told what
// each pass replaces.
func Forward(g *ir.Graph, l Lowering, replaced func(map[*ir.Value]*ir.Value)) {
	for _, p := range forward {
		if !p.on(l) {
			continue
		}
		replaced(p.run(g, l))
		if err := g.Verify(); err != nil {
			g.Fail("after pass %s: %w", p.name, err)
		}
	}
}

// Finished applies the passes of a finished graph, and on CUDA checks that every node has a kernel.
func Finished(g *ir.Graph, l Lowering) error {
	for _, p := range finished {
		if !p.on(l) {
			continue
		}
		if err := ir.Build(func() { p.run(g, l) }); err != nil {
			return fmt.Errorf("pass %s: %w", p.name, err)
		}
		if p.name != "recompute" { // trims by itself, and keeps constants that it may restore
			g.Trim()
		}
		if err := g.Verify(); err != nil {
			return fmt.Errorf("after pass %s: %w", p.name, err)
		}
	}
	if l.Target.OnGPU() {
		return CheckCUDA(g)
	}
	return nil
}
