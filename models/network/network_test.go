package network_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/ir"
	"zos-ort/models/network"
	"zos-ort/models/space"
)

// PyTorch counts these numbers in the code of DARTS and PC-DARTS.
func TestParameterCounts(t *testing.T) {
	head := map[int]int{10: 476426, 100: 545636}
	for _, x := range []struct {
		name          string
		ten, hundreds int
	}{
		{"DARTS_V1", 3169414, 3221344}, {"DARTS_V2", 3349342, 3401272},
		{"PC_DARTS_cifar", 3634678, 3686608},
	} {
		for classes, want := range map[int]int{10: x.ten, 100: x.hundreds} {
			c := network.Config{Genotype: check.Must(space.Named(x.name))(t), Channels: 36, Cells: 20,
				Classes: classes}
			if n := check.Must(spec(c, 2, 32).Evaluate())(t).Weights.Len(); n != want {
				t.Errorf("%s, %d classes: %d weights, want %d", x.name, classes, n, want)
			}
			c.Auxiliary = true // in the state of all programs, computed in training only
			if n := check.Must(spec(c, 2, 32).Evaluate())(t).Weights.Len(); n != want+head[classes] {
				t.Errorf("%s, %d classes, head: %d weights, want %d", x.name, classes, n,
					want+head[classes])
			}
		}
	}
}

func TestParameterCountsOfGenotypes(t *testing.T) {
	for seed := range uint64(8) {
		g := check.Must(space.RandomGenotype(rand.New(rand.NewPCG(seed, 1)), space.DARTS.FullMask()))(t)
		c := network.Config{Genotype: g, Channels: 6, Cells: 1 + int(seed), Classes: 7}
		want := space.NetworkParams(g, c.Channels, c.Cells, c.Classes, false)
		if n := check.Must(spec(c, 1, 16).Rank())(t).Weights.Len(); n != want {
			t.Errorf("%v, %d cells: %d weights, want %d", g, c.Cells, n, want)
		}
	}
}

// PoolNorm adds a batch norm to every pool and no weights.
func TestPoolNorm(t *testing.T) {
	c := network.Config{Genotype: check.Must(space.Named("DARTS_V1"))(t), Channels: 4, Cells: 8, Classes: 10}
	pools := 0
	for i := range c.Cells {
		for _, g := range c.Genotype.Cell(space.DARTS.TypeAt(i, c.Cells)) {
			if g.Op == space.MaxPool3x3 || g.Op == space.AvgPool3x3 {
				pools++
			}
		}
	}
	plain := check.Must(spec(c, 2, 16).Rank())(t)
	c.PoolNorm = true
	normed := check.Must(spec(c, 2, 16).Rank())(t)
	if n := len(normed.Stats) - len(plain.Stats); n != pools || pools == 0 {
		t.Errorf("%d batch norms more, want %d", n, pools)
	}
	if a, b := plain.Weights.Len(), normed.Weights.Len(); a != b {
		t.Errorf("%d weights with batch norms, %d without", b, a)
	}
}

// All genes but identities can be dropped: 18 normal and 2 reduction cells of the paper's networks.
func TestDropPaths(t *testing.T) {
	for name, want := range map[string]int{"DARTS_V1": 18*5 + 2*5, "DARTS_V2": 18*6 + 2*5,
		"PC_DARTS_cifar": 18*7 + 2*8} {
		if n := small(t, name, 20).DropPaths(); n != want {
			t.Errorf("%s: %d paths to drop, want %d", name, n, want)
		}
	}
	// A skip connection of stride 2 has weights and is dropped like any operation.
	c := small(t, "DARTS_V2", 1)
	c.Genotype.Reduce[0] = space.Gene{Op: space.SkipConnect, Source: 0}
	if n := c.DropPaths(); n != 5 {
		t.Errorf("%d paths to drop, want 5", n)
	}
}

// Factors of one change nothing, factors of zero leave the identities alone.
func TestDropPathFactors(t *testing.T) {
	c := small(t, "DARTS_V2", 3)
	plain := check.Must(spec(c, 2, 8).AlphaStep())(t)
	c.DropPath = true
	dropped := check.Must(spec(c, 2, 8).AlphaStep())(t)
	port := check.Must(dropped.Signature.In("drop_path"))(t)
	if want := ir.T(ir.Float, c.DropPaths(), 2); !port.Type.Equal(want) || port.Role != "drop-path" {
		t.Fatalf("drop_path is %v, a %s, want %v", port.Type, port.Role, want)
	}
	loss := func(factor float64) float64 {
		in, _ := weights(plain)
		in["images"], in["labels"] = tensor(4, 2, 3, 8, 8), eval.Ints([]int64{0, 1}, 2)
		g := plain.Graph
		if !math.IsNaN(factor) {
			g = dropped.Graph
			in["drop_path"] = tensor(5, port.Type.Shape...)
			for i := range in["drop_path"].F {
				in["drop_path"].F[i] = factor
			}
		}
		return check.Must(eval.Run(g, in))(t)["loss"].F[0]
	}
	without, one, zero := loss(math.NaN()), loss(1), loss(0)
	if math.Abs(one-without) > 1e-12 || math.Abs(zero-without) < 1e-6 {
		t.Errorf("loss %v; with factors 1 %v, with factors 0 %v", without, one, zero)
	}
	if _, err := check.Must(spec(c, 2, 8).Evaluate())(t).Signature.In("drop_path"); err == nil {
		t.Error("the evaluation drops paths")
	}
}

// Networks of any channel count, depth, image size and class count.
func TestAnySize(t *testing.T) {
	for _, x := range []struct{ channels, cells, image, classes int }{
		{2, 1, 2, 2}, {4, 2, 4, 3}, {6, 3, 12, 100}, {10, 7, 20, 10},
	} {
		c := network.Config{Genotype: check.Must(space.Named("PC_DARTS_cifar"))(t), Channels: x.channels,
			Cells: x.cells, Classes: x.classes}
		p := check.Must(spec(c, 2, x.image).WeightStep())(t)
		if err := p.Graph.Verify(); err != nil {
			t.Errorf("%v: %v", x, err)
		}
	}
}

func TestErrors(t *testing.T) {
	with := func(change func(c *network.Config)) network.Config {
		c := small(t, "DARTS_V2", 3)
		change(&c)
		return c
	}
	for _, x := range []struct {
		c     network.Config
		image int
		words []string
	}{
		{with(func(c *network.Config) { c.Channels = 5 }), 8,
			[]string{"even number of channels", "got 5"}},
		{with(func(c *network.Config) { c.Cells = 0 }), 8, []string{"1 cell", "got 4, 0, 5"}},
		{with(func(c *network.Config) { c.Classes = 1 }), 8, []string{"2 classes", "got 4, 3, 1"}},
		{with(func(c *network.Config) { c.Genotype.Normal[0].Op = space.None }), 8,
			[]string{"none is not an operation of a derived cell", "normal/node0"}},
		{with(func(c *network.Config) { c.Auxiliary = true }), 16,
			[]string{"auxiliary head: needs images of at least 32x32", "4x4", "(auxiliary)"}},
		{small(t, "DARTS_V1", 6), 6, []string{"must be even, got 3x3", "cell5/preprocess0"}},
	} {
		_, err := spec(x.c, 2, x.image).WeightStep()
		check.Error(t, err, append(x.words, "weight_step: ")...)
	}
}

// The auxiliary head is computed in training only; its weights are in the state of every program.
func TestAuxiliaryHead(t *testing.T) {
	c := small(t, "DARTS_V2", 3)
	c.Auxiliary = true
	for name, p := range map[string]*graphgen.Program{"alpha": check.Must(spec(c, 2, 32).AlphaStep())(t),
		"eval": check.Must(spec(c, 2, 32).Evaluate())(t), "rank": check.Must(spec(c, 2, 32).Rank())(t)} {
		heads := 0
		for _, n := range p.Graph.Nodes {
			if n.Scope == "auxiliary/classifier" {
				heads++
			}
		}
		if (heads > 0) != (name == "alpha") {
			t.Errorf("%s: %d nodes of the head", name, heads)
		}
		if _, ok := p.Weights.Find("auxiliary/classifier/weight"); !ok {
			t.Errorf("%s: the state lacks the head", name)
		}
	}
}
