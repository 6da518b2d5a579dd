package supernet_test

import (
	"fmt"
	"math"
	"testing"

	"zos-ort/graphgen"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/eval"
	"zos-ort/graphgen/pass"
	"zos-ort/models/space"
	"zos-ort/models/supernet"
)

// PyTorch counts these numbers in the code of DARTS and PC-DARTS.
func TestParameterCounts(t *testing.T) {
	for _, x := range []struct{ partial, classes, want int }{
		{1, 10, 1930618}, {1, 100, 1953748}, {4, 10, 299578}, {4, 100, 322708},
	} {
		c := supernet.Config{Channels: 16, Cells: 8, Classes: x.classes, Mask: space.DARTS.FullMask(),
			Partial: x.partial, Passes: pass.All}
		p := check.Must(spec(c, 1, 32).Evaluate())(t)
		if n := p.Weights.Len(); n != x.want {
			t.Errorf("1/%d channels, %d classes: %d weights, want %d", x.partial, x.classes, n, x.want)
		}
	}
}

// The layouts of masked networks agree with the closed form, whatever the passes.
func TestParameterCountsOfMasks(t *testing.T) {
	for seed := range uint64(6) {
		partial := 1 + 3*int(seed%2)
		mask, passes := randomMask(seed), []pass.Set{pass.Pools, pass.Mix, pass.None}[seed%3]
		c := small(mask, partial, passes)
		p := check.Must(spec(c, 1, 8).Rank())(t)
		want := space.SupernetParams(mask, c.Channels, c.Cells, c.Classes, partial)
		if n := p.Weights.Len(); n != want {
			t.Errorf("mask %d: %d weights, want %d", seed, n, want)
		}
	}
}

// Passes change how the network is computed, not what.
func TestPassesAreExact(t *testing.T) {
	lost := randomMask(4)
	for _, e := range []int{0, 1, 9, 10, 11, 12, 13} { // all edges of the nodes 0 and 3
		lost.Put(space.Normal, e, space.SetOf(space.None))
		lost.Put(space.Reduce, e, space.SetOf(space.None))
	}
	full := space.DARTS.FullMask()
	for _, x := range []struct {
		name    string
		mask    space.Mask
		partial int
	}{
		{"full", full, 1}, {"full partial", full, 4},
		{"only none", lost, 1}, {"only none partial", lost, 4},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			plain := spec(small(x.mask, x.partial, noPasses), 2, 8)
			fast := spec(small(x.mask, x.partial, pass.All), 2, 8)
			if norm := compareWeightSteps(t, check.Must(plain.WeightStep())(t), check.Must(fast.WeightStep())(t)); norm < 1e-3 {
				t.Errorf("the gradient norm %v proves nothing", norm)
			}
			compareAlphaSteps(t, check.Must(plain.AlphaStep())(t), check.Must(fast.AlphaStep())(t))
		})
	}
}

// compareWeightSteps returns the norm of the gradient.
func compareWeightSteps(t *testing.T, plain, fast *graphgen.Program) float64 {
	t.Helper()
	out, state := run(t, plain)
	fastOut, fastState := run(t, fast)
	want, got := gradients(plain, state), gradients(fast, fastState)
	if len(got) != len(want) {
		t.Errorf("%d weights, want %d", len(got), len(want))
	}
	for name := range want {
		check.Close(t, name, got[name], want[name], 1e-9, 1e-9)
	}
	check.Close(t, "loss", fastOut["loss"].F, out["loss"].F, 1e-9, 1e-9)
	check.Close(t, "norm", fastOut["norm"].F, out["norm"].F, 1e-9, 1e-9)
	return out["norm"].F[0]
}

func compareAlphaSteps(t *testing.T, plain, fast *graphgen.Program) {
	t.Helper()
	out, _ := run(t, plain)
	fastOut, _ := run(t, fast)
	seen := 0
	for _, p := range plain.Signature.Outputs {
		if p.Role == graphgen.Gradient {
			seen++
			check.Close(t, p.Name, fastOut[p.Name].F, out[p.Name].F, 1e-9, 1e-9)
		}
	}
	if seen < 2 {
		t.Errorf("%d mixing gradients", seen)
	}
}

// Networks of any channel count, depth, image size and class count can be built; every emission
// verifies its graph.
func TestAnySize(t *testing.T) {
	for _, x := range []struct{ channels, cells, image, classes, partial int }{
		{2, 1, 2, 2, 1}, {2, 2, 4, 3, 1}, {4, 3, 12, 7, 1}, {6, 5, 8, 10, 1}, {10, 4, 20, 2, 1},
		{4, 3, 8, 4, 4}, {6, 6, 8, 5, 2}, {9, 3, 8, 11, 3}, {8, 1, 4, 100, 4},
	} {
		t.Run(fmt.Sprint(x), func(t *testing.T) {
			c := supernet.Config{Channels: x.channels, Cells: x.cells, Classes: x.classes,
				Mask: randomMask(uint64(x.image)), Partial: x.partial, Passes: pass.All}
			s := spec(c, 2, x.image)
			for _, emit := range []func() (*graphgen.Program, error){s.WeightStep, s.Rank} {
				p := check.Must(emit())(t)
				if err := p.Graph.Verify(); err != nil {
					t.Errorf("%s: %v", p.Name, err)
				}
				if l, err := p.Signature.Out("logits"); err == nil && l.Type.Shape[1] != x.classes {
					t.Errorf("%s: logits %v", p.Name, l.Type)
				}
			}
		})
	}
}

func TestErrors(t *testing.T) {
	base := small(space.DARTS.FullMask(), 1, pass.All)
	with := func(change func(c *supernet.Config)) supernet.Config {
		c := base
		change(&c)
		return c
	}
	for _, x := range []struct {
		c     supernet.Config
		image int
		words []string
	}{
		{with(func(c *supernet.Config) { c.Channels, c.Partial = 6, 4 }), 8,
			[]string{"supernet: 6 channels do not divide into 4 parts"}},
		{with(func(c *supernet.Config) { c.Partial = 0 }), 8, []string{"into 0 parts"}},
		{with(func(c *supernet.Config) { c.Channels = 5 }), 8,
			[]string{"supernet: channels must be even, got 5"}},
		{with(func(c *supernet.Config) { c.Classes = 1 }), 8, []string{"2 classes, got 4, 3, 1"}},
		{with(func(c *supernet.Config) { c.Cells = 0 }), 8, []string{"1 cell", "got 4, 0, 3"}},
		{base, 9, []string{"height and width must be even, got 9x9", "cell1/edge0/skip_connect"}},
		{base, 6, []string{"must be even, got 3x3", "cell2/"}},
	} {
		_, err := spec(x.c, 2, x.image).WeightStep()
		check.Error(t, err, append(x.words, "weight_step: ")...)
	}
}

// The gradients of the mixing weights are the slopes of the loss in a random direction.
func TestMixGradientsAreSlopes(t *testing.T) {
	for _, partial := range []int{1, 4} {
		slopes(t, fmt.Sprintf("1/%d channels", partial),
			check.Must(spec(small(randomMask(5), partial, pass.All), 2, 8).AlphaStep())(t), 1e-7)
	}
}

// slopes compares the gradients of an alpha step with differences of its loss.
func slopes(t *testing.T, what string, p *graphgen.Program, tolerance float64) {
	t.Helper()
	loss := func(h float64) (float64, float64) {
		in, product := values(p), 0.0
		for name := range in {
			if port := check.Must(p.Signature.In(name))(t); port.Role == graphgen.MixWeight {
				for i := range in[name].F {
					in[name].F[i] += h * math.Sin(float64(i+1))
				}
			}
		}
		out := check.Must(eval.Run(p.Graph, in))(t)
		for _, port := range p.Signature.Outputs {
			if port.Role == graphgen.Gradient {
				for i, d := range out[port.Name].F {
					product += d * math.Sin(float64(i+1))
				}
			}
		}
		return out["loss"].F[0], product
	}
	const h = 1e-6
	up, _ := loss(h)
	down, _ := loss(-h)
	_, want := loss(0)
	if got := (up - down) / (2 * h); math.Abs(got-want) > tolerance*(1+math.Abs(want)) {
		t.Errorf("%s: slope %v, gradient %v", what, got, want)
	}
}
