package stages

import (
	"context"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/pass"
	"zos-ort/models/method"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
	"zos-ort/prune"
)

// Properties of all methods on drawn masks and sizes: the graphs are valid, the genotype is, and the
// networks have as many weights as the formulas say. The sizes are small, so that graphs take
// milliseconds; nothing is run.

func drawSeed(t *rapid.T) *rand.Rand { return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)) }

// drawMask is a mask such as the method searches, or one of any density from a file.
func drawMask(t *rapid.T, rng *rand.Rand, m method.Method) space.Mask {
	if m.Mask == method.NoMask && rapid.Bool().Draw(t, "without --mask") {
		return space.DARTS.FullMask()
	}
	mask, _ := space.DARTS.RandomMask(rng, rapid.Float64Range(0, 1).Draw(t, "keep"))
	return mask
}

// drawSupernet is a small search network of a method.
func drawSupernet(t *rapid.T, m method.Method, mask space.Mask) supernet.Config {
	return supernet.Config{Channels: 2 * m.Partial * rapid.IntRange(1, 2).Draw(t, "channels"),
		Cells: rapid.IntRange(1, 4).Draw(t, "cells"), Classes: rapid.IntRange(2, 11).Draw(t, "classes"),
		Mask: mask, Partial: m.Partial,
		Passes: pass.Set(rapid.IntRange(0, int(pass.All)).Draw(t, "passes"))}
}

// drawSpec says how a network is run.
func drawSpec(t *rapid.T, forward graphgen.Forward, classes int) graphgen.Spec {
	return graphgen.Spec{Forward: forward, Classes: classes, Batch: rapid.IntRange(1, 3).Draw(t, "batch"),
		Image: 4 * rapid.IntRange(1, 3).Draw(t, "image/4"), SGD: graphgen.PaperSGD, AuxiliaryWeight: .4,
		Lowering: pass.Lowering{Target: pass.Target(rapid.IntRange(0, 1).Draw(t, "kernels")),
			Passes: pass.Set(rapid.IntRange(0, int(pass.All)).Draw(t, "rewrites"))}}
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
		m := rapid.SampledFrom(method.All).Draw(t, "method")
		net := drawSupernet(t, m, drawMask(t, drawSeed(t), m))
		wantProgram(t, drawSpec(t, net.Forward(), net.Classes),
			space.SupernetParams(net.Mask, net.Channels, net.Cells, net.Classes, net.Partial))
	})
}

// scoring ranks with random numbers.
type scoring struct{ rng *rand.Rand }

func (s scoring) Open(context.Context, space.Mask) (prune.Session, error) { return s, nil }

func (s scoring) Norms(_ context.Context, _ int, _ []space.Mask, norms prune.Norms, _ func()) error {
	for i := range norms {
		norms[i] = 1 + s.rng.Float64()
	}
	return nil
}

func (scoring) Close() {}

// drawMaskOf goes the method's way to a mask, with any settings and any scores.
func drawMaskOf(t *rapid.T, rng *rand.Rand, m method.Method) Pruned {
	if !m.Ranks() {
		return Pruned{Mask: drawMask(t, rng, m)}
	}
	e := settings.Paper().With(m)
	e.Ranking = settings.Ranking{Xi: rapid.Float64Range(.2, .9).Draw(t, "xi"),
		KeepNone: rapid.Bool().Draw(t, "keep none"),
		Measure:  rapid.SampledFrom([]string{"operations", "architectures"}).Draw(t, "measure"),
		PerRound: rapid.IntRange(1, 4).Draw(t, "per round"), Repeats: 1,
		Ties: rapid.SampledFrom([]string{settings.TiesFirst, settings.TiesLast}).Draw(t, "ties")}
	res, err := prune.Run(t.Context(), e.Pruning(), space.DARTS.FullMask(), scoring{rng}, prune.Progress{},
		prune.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	return Pruned{Mask: res.Mask, Rounds: res.Rounds}
}

// drawGenotype finds a genotype the way the method does, from alphas of any size.
func drawGenotype(t *rapid.T, rng *rand.Rand, m method.Method, mask Pruned) (space.Genotype, error) {
	switch m.Source {
	case method.ByScores:
		return mask.Genotype(nil)
	case method.ByChance:
		return space.RandomGenotype(rng, mask.Mask)
	}
	alphas := space.NewAlphas(mask.Mask, m.Partial > 1)
	scale := rapid.Float64Range(0, 30).Draw(t, "scale of the alphas")
	for i := range alphas.Vector() {
		alphas.Vector()[i] = scale * rng.NormFloat64()
	}
	return alphas.Genotype()
}

func TestAnyMethodGivesValidGenotypes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng, m := drawSeed(t), rapid.SampledFrom(method.All).Draw(t, "method")
		mask := drawMaskOf(t, rng, m)
		if err := mask.Mask.Validate(); err != nil {
			t.Fatal(err)
		}
		if m.Mask == method.ToOne && mask.Mask.Count() != 2*space.DARTS.Edges() {
			t.Fatalf("%d operations are left", mask.Mask.Count())
		}
		g, err := drawGenotype(t, rng, m, mask)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Validate(); err != nil || !g.Allowed(mask.Mask) {
			t.Fatalf("%v is not in the mask %v: %v", g, mask.Mask, err)
		}
	})
}

func TestAnyGenotypeGivesValidNetworks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, err := space.RandomGenotype(drawSeed(t), space.DARTS.FullMask())
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
