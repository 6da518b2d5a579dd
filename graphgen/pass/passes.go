// Package pass rewrites the graphs of the programs with an ordered list of passes, in two stages.
//
// Rewrites of the forward graph run before it is differentiated, so that the backward pass is that
// of the remaining operators. Rewrites of the finished graph see forward pass, backward pass and
// update.
package pass

import (
	"fmt"
	"slices"
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
)

// pass is a rewrite of a graph.
type pass struct {
	name string
	on   func(Lowering) bool
	// run rewrites the graph. It returns what stands for the replaced values, if the caller
	// knows values of the graph.
	run func(*ir.Graph, Lowering) map[*ir.Value]*ir.Value
	// keeps says that the pass itself removes nodes without readers.
	keeps bool
}

// forward are the passes of the forward graph.
var forward = []pass{
	// Join the two convolutions of a factorised reduction: no shifted copy of the image is kept.
	{name: "reduce", on: has(Reduce), run: replacing(joinReductions)},
	// Join ReLU, convolutions and batch norm, pools, and products with a number into our own
	// operators.
	{name: "fuse", on: Lowering.own, run: fusePass},
}

// finished are the passes of the finished graph. Nodes without readers are removed after each.
var finished = []pass{
	// Remove nodes without readers, such as gradients of unused outputs, which the construction
	// leaves.
	{name: "trim", on: always, run: inPlace(func(*ir.Graph) {})},
	// Give depthwise convolutions that are left, and their gradients, to our own kernels.
	{name: "depthwise", on: on(CPUKernels), run: inPlace(lowerDepthwise)},
	// Let operators that can add take in the sums of their results.
	{name: "sums", on: fusesSums, run: inPlace(accumulate)},
	// Keep one byte of a max pool's eight-byte index for the backward pass.
	{name: "indices", on: has(Indices), run: inPlace(narrowIndices)},
	// Replace the gradients of pools by operators that the CUDA provider has.
	{name: "plain pools", on: Lowering.onGPU, run: inPlace(lowerPools)},
	// Keep in bfloat16 the images that the backward pass reads.
	{name: "bfloat16", on: on(CUDABFloat16), run: inPlace(narrow)},
	// Keep all images of our operators in bfloat16.
	{name: "bfloat16 images", on: on(CUDAOwnBFloat16), run: inPlace(narrowOwn)},
	// Order partial sums so that the runtime adds each term as it comes.
	{name: "add in turn", on: addsInTurn, run: addInTurn},
	// Let the runtime free what is dead.
	{name: "open batch", on: always, run: inPlace(openBatch)},
	// Compute cheap values a second time in the backward pass, to keep fewer. The pass may undo
	// itself, so it keeps the constants that an undone graph reads.
	{name: "recompute", on: always, run: recomputePass, keeps: true},
	// Give gradients of units the results of the units, where the backward pass has them.
	{name: "results", on: on(CPUKernels), run: inPlace(giveResults), keeps: true},
	// Add in place where that needs no proof by the runtime.
	{name: "write over", on: Lowering.own, run: inPlace(writeOver), keeps: true},
	// Join our operators, so that what they can do at the same time takes one launch.
	{name: "group", on: Lowering.ownOnGPU, run: inPlace(group)},
	// Give our operators the form in which a GPU runs them, which knows the memory that they work in.
	{name: "on device", on: Lowering.ownOnGPU, run: inPlace(op.OnDevice), keeps: true},
}

// numbers is the reason for pairs of passes that both add nodes or constants: the numbers of these
// are in the files, and the same spec must give the same bytes from one version to the next.
const numbers = "both add nodes or constants, whose numbers are in the files"

// passOrder lists pairs of passes whose first must come before the second. Moving one pass of a
// pair past the other changes programs of the supernets; for other pairs it changed nothing.
var passOrder = []struct{ first, second, why string }{
	{"bfloat16 images", "recompute", "whether recomputing pays depends on the bytes"},
	{"bfloat16 images", "write over", "a cast comes between an addend and what reads it"},
	{"bfloat16 images", "group", "it looks for the operators themselves"},
	{"sums", "bfloat16 images", "a cast comes between a term and its sum"},
	{"bfloat16", "recompute", "recompute widens the bfloat16 form again: else float32 is kept"},
	{"add in turn", "recompute", "whether recomputing pays depends on the order of execution"},
	{"sums", "add in turn", "an operator that adds is a sum"},
	{"recompute", "results", "the backward pass may have a copy only"},
	{"indices", "recompute", numbers},
	{"indices", "plain pools", numbers},
	{"plain pools", "recompute", numbers},
	{"plain pools", "bfloat16", numbers},
	{"write over", "group", "it looks for the operators themselves"},
	{"recompute", "group", "it looks for the operators themselves"},
	{"group", "on device", "it joins the operators themselves"},
}

// verifyEach verifies the graph after every pass, to name the pass that broke it. It is on in tests
// only: it takes about a third of the time of an emission (150 of 500 ms for a weight step of 8
// cells). Writing a file verifies the finished graph in any case (onnx.Model).
var verifyEach = testing.Testing()

// Forward applies the passes of a forward graph, which has no outputs yet, during its construction.
// It passes what each pass replaces to replaced.
func Forward(g *ir.Graph, l Lowering, replaced func(map[*ir.Value]*ir.Value)) {
	for _, p := range forward {
		if !p.on(l) {
			continue
		}
		replaced(p.run(g, l))
		if err := p.verify(g); err != nil {
			g.Fail("%w", err)
		}
	}
}

// Finished applies the passes of a finished graph. For CUDA it checks that every node has a CUDA
// kernel: a node without one would run on the host, between copies.
func Finished(g *ir.Graph, l Lowering) error {
	for _, p := range finished {
		if !p.on(l) {
			continue
		}
		if err := ir.Build(func() { p.run(g, l) }); err != nil {
			return fmt.Errorf("pass %s: %w", p.name, err)
		}
		if !p.keeps {
			g.Trim()
		}
		if err := p.verify(g); err != nil {
			return err
		}
	}
	if l.Target.OnGPU() {
		return CheckCUDA(g)
	}
	return nil
}

// verify checks the graph that the pass left.
func (p pass) verify(g *ir.Graph) error {
	if !verifyEach {
		return nil
	}
	if err := g.Verify(); err != nil {
		return fmt.Errorf("after pass %s: %w", p.name, err)
	}
	return nil
}

func always(Lowering) bool { return true }

// has switches a pass on by its member of the set.
func has(s Set) func(Lowering) bool { return func(l Lowering) bool { return l.Passes.Has(s) } }

// on switches a pass on for targets.
func on(targets ...Target) func(Lowering) bool {
	return func(l Lowering) bool { return slices.Contains(targets, l.Target) }
}

func (l Lowering) onGPU() bool { return l.Target.OnGPU() }

func (l Lowering) ownOnGPU() bool { return l.Target.ownOnGPU() }

func (l Lowering) own() bool { return l.Target.OwnKernels() }

func fusesSums(l Lowering) bool { return l.own() && !l.Unfused.Sums }

func addsInTurn(l Lowering) bool { return l.Target != Portable }

// replacing wraps a pass that depends on the graph alone.
func replacing(f func(*ir.Graph) map[*ir.Value]*ir.Value) func(*ir.Graph,
	Lowering) map[*ir.Value]*ir.Value {
	return func(g *ir.Graph, _ Lowering) map[*ir.Value]*ir.Value { return f(g) }
}

// inPlace wraps a pass of a finished graph, of which the caller knows no values.
func inPlace(f func(*ir.Graph)) func(*ir.Graph, Lowering) map[*ir.Value]*ir.Value {
	return func(g *ir.Graph, _ Lowering) map[*ir.Value]*ir.Value { f(g); return nil }
}

func fusePass(g *ir.Graph, l Lowering) map[*ir.Value]*ir.Value { return fuse(g, l) }

func recomputePass(g *ir.Graph, l Lowering) map[*ir.Value]*ir.Value {
	recomputeValues(g, l)
	return nil
}
