package main

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
)

// Properties of all methods on drawn masks and sizes: the graphs are valid, the genotype is, and the
// networks have as many weights as the formulas say. The sizes are small, so that graphs take
// milliseconds; nothing is run.

func drawSeed(t *rapid.T) *rand.Rand { return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)) }

// drawMask is a mask such as the method searches, or one of any density from a file.
func drawMask(t *rapid.T, rng *rand.Rand, m method) space.Mask {
	if m.mask == noMask && rapid.Bool().Draw(t, "without --mask") {
		return space.FullMask()
	}
	mask, _ := space.RandomMask(rng, rapid.Float64Range(0, 1).Draw(t, "keep"))
	return mask
}

// drawSupernet is a small search network of a method.
func drawSupernet(t *rapid.T, m method, mask space.Mask) supernet.Config {
	return supernet.Config{Channels: 2 * m.partial * rapid.IntRange(1, 2).Draw(t, "channels"),
		Cells: rapid.IntRange(1, 4).Draw(t, "cells"), Classes: rapid.IntRange(2, 11).Draw(t, "classes"),
		Mask: mask, Partial: m.partial,
		Passes: supernet.Passes{SharePools: rapid.Bool().Draw(t, "pools"),
			FoldMix: rapid.Bool().Draw(t, "mix"), MergeShuffle: rapid.Bool().Draw(t, "shuffle")}}
}

// drawSpec says how a network is run.
func drawSpec(t *rapid.T, forward graphgen.Forward, classes int) graphgen.Spec {
	return graphgen.Spec{Forward: forward, Classes: classes, Batch: rapid.IntRange(1, 3).Draw(t, "batch"),
		Image: 4 * rapid.IntRange(1, 3).Draw(t, "image/4"), SGD: graphgen.PaperSGD, AuxiliaryWeight: .4,
		Share: rapid.Bool().Draw(t, "share"), Kernels: rapid.Bool().Draw(t, "kernels")}
}

// wantProgram builds one of the programs of a network and checks the graph and the number of weights.
func wantProgram(t *rapid.T, s graphgen.Spec, weights int) {
	t.Helper()
	programs := []func() (*graphgen.Program, error){s.WeightStep, s.AlphaStep, s.Evaluate, s.Rank}
	p, err := programs[rapid.IntRange(0, len(programs)-1).Draw(t, "program")]()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Graph.Verify(); err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	if n := p.Weights.Len(); n != weights {
		t.Fatalf("%s: %d weights, the formula gives %d", p.Name, n, weights)
	}
	logits := ir.T(ir.Float, s.Batch, s.Classes)
	if o, err := p.Signature.Out("logits"); err == nil && !o.Type.Equal(logits) {
		t.Fatalf("%s: logits are %v, want %v", p.Name, o.Type, logits)
	}
}

func TestAnyMaskGivesValidSupernets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(methods).Draw(t, "method")
		net := drawSupernet(t, m, drawMask(t, drawSeed(t), m))
		wantProgram(t, drawSpec(t, net.Forward(), net.Classes),
			space.SupernetParams(net.Mask, net.Channels, net.Cells, net.Classes, net.Partial))
	})
}

func TestAnyGenotypeGivesValidNetworks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, err := space.RandomGenotype(drawSeed(t), space.FullMask())
		if err != nil {
			t.Fatal(err)
		}
		net := network.Config{Genotype: g, Channels: 2 * rapid.IntRange(1, 3).Draw(t, "channels"),
			Cells: rapid.IntRange(1, 5).Draw(t, "cells"), Classes: rapid.IntRange(2, 11).Draw(t, "classes"),
			DropPath: rapid.Bool().Draw(t, "drop path")}
		wantProgram(t, drawSpec(t, net.Forward(), net.Classes),
			space.NetworkParams(g, net.Channels, net.Cells, net.Classes, false))
	})
}
