package budget

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"zos-ort/models/space"
	"zos-ort/models/space/spacetest"
)

// limitsOf are limits on costs of a space, at a part of the way from the least to the most.
func limitsOf(m space.Mask, at float64, costs ...*space.Costs) (ls Limits) {
	for i, c := range costs {
		l := Limit{Name: fmt.Sprintf("cost %d", i), Costs: c, Print: func(x float64) string { return fmt.Sprint(x) }}
		least, most := l.Range(m)
		l.Most = least + at*(most-least)
		ls = append(ls, l)
	}
	return ls
}

// latency draws costs that have nothing to do with weights.
func latency(rng *rand.Rand, s *space.Space) *space.Costs {
	c := s.NewCosts()
	c.Fixed = rng.Float64()
	c.Genes = *randomScores(rng)
	return c
}

// every calls f with every genotype of a mask, each as a mask of its own.
func every(m space.Mask, f func(space.Mask)) {
	nodes := nodesOf(m)
	var walk func(n, e, genes int, chosen space.Mask)
	walk = func(n, e, genes int, chosen space.Mask) {
		switch {
		case n == len(nodes):
			f(chosen)
			return
		case e == len(nodes[n].edges):
			if genes == nodes[n].takes {
				walk(n+1, 0, 0, chosen)
			}
			return
		}
		walk(n, e+1, genes, chosen)
		x := nodes[n].edges[e]
		for _, op := range x.ops {
			with := chosen
			with.Put(x.t, x.e, space.SetOf(op))
			walk(n, e+1, genes+1, with)
		}
	}
	walk(0, 0, 0, m.Space().EmptyMask())
}

// strengthOf is the sum that Derive makes as large as it can.
func strengthOf(g space.Genotype, s *space.Scores) (sum float64) {
	for _, t := range g.Space().CellTypes() {
		for i, gene := range g.Cell(t) {
			sum += s[t][g.Space().EdgeIndex(g.Space().NodeOf(i), gene.Source)][gene.Op.Index()]
		}
	}
	return sum
}

// Derive finds, in random small spaces and under one to three limits, what looking at every genotype finds.
func TestDeriveAgainstEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	compared, none := 0, 0
	for compared < 150 {
		s, err := space.Parse(spacetest.Document(rng))
		if err != nil {
			t.Fatal(err)
		}
		m := s.FullMask()
		if s.LogArchitectures() > math.Log(20000) {
			continue
		}
		compared++
		params, macs := s.CountedCosts(space.Size{Channels: 4, Cells: 4}, 3, 16)
		costs := []*space.Costs{params, macs, latency(rng, s)}
		ls, scores := limitsOf(m, rng.Float64()*.7, costs[:1+rng.IntN(3)]...), randomScores(rng)
		best, found := math.Inf(-1), false
		every(m, func(one space.Mask) {
			g, err := space.DeriveFromScores(scores, one)
			if err != nil {
				t.Fatal(err)
			}
			if ls.Met(g) {
				best, found = max(best, strengthOf(g, scores)), true
			}
		})
		if ls.Admits(m) != found {
			t.Fatalf("%s: Admits says %v of %v", s.Name(), !found, ls)
		}
		g, err := ls.Derive(scores, m)
		if !found {
			none++
			if err == nil {
				t.Fatalf("%s: derived %v, which costs %v, under %v", s.Name(), g, ls.Costs(g), ls)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !ls.Met(g) || math.Abs(strengthOf(g, scores)-best) > 1e-9 {
			t.Fatalf("%s: derived a genotype of strength %v that costs %v, want %v within %v", s.Name(),
				strengthOf(g, scores), ls.Costs(g), best, ls)
		}
	}
	if none == 0 || none > compared/2 {
		t.Errorf("%d of %d cases had no genotype: they prove little", none, compared)
	}
}

// Limits that do not bind change nothing.
func TestLooseLimitsChangeNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	m := space.DARTS.FullMask()
	params, _ := space.DARTS.CountedCosts(space.Size{Channels: 36, Cells: 20}, 10, 32)
	for range 20 {
		scores := randomScores(rng)
		want, err := space.DeriveFromScores(scores, m)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := limitsOf(m, 1, params).Derive(scores, m); err != nil || got != want {
			t.Fatalf("derived %v (%v), want %v", got, err, want)
		}
	}
}

// Large spaces take no longer than an epoch's end may.
func TestDeriveIsFast(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, name := range space.Shipped() {
		s, err := space.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		params, macs := s.CountedCosts(space.Size{Channels: 36, Cells: 20}, 10, 32)
		costs := []*space.Costs{params, macs, latency(rng, s)}
		for n := range costs {
			start := time.Now()
			ls := limitsOf(s.FullMask(), .4, costs[:n+1]...)
			g, err := ls.Derive(randomScores(rng), s.FullMask())
			if err != nil || !ls.Met(g) {
				t.Fatalf("%s under %d limits: %v", name, n+1, err)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("%s under %d limits: %v", name, n+1, took)
			} else {
				t.Logf("%s under %d limits: %v", name, n+1, took)
			}
		}
	}
}

// The gradient of the expected cost is that of differences.
func TestGradientOfExpectedCost(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for i := range 40 {
		s, err := space.Parse(spacetest.Document(rng))
		if err != nil {
			t.Fatal(err)
		}
		ls := limitsOf(s.FullMask(), .5, latency(rng, s), latency(rng, s))
		a := space.NewAlphas(s.FullMask(), i%2 == 0)
		for i := range a.Vector() {
			a.Vector()[i] = rng.NormFloat64()
		}
		grad, prices := a.Like(), Prices{rng.Float64(), rng.Float64()}
		if err := ls.AddGradient(grad, a, prices); err != nil {
			t.Fatal(err)
		}
		value := func() float64 {
			return prices[0]*ls[0].Expected(a)/ls[0].Most + prices[1]*ls[1].Expected(a)/ls[1].Most
		}
		for i, x := range a.Vector() {
			const h = 1e-6
			a.Vector()[i] = x + h
			up := value()
			a.Vector()[i] = x - h
			down := value()
			a.Vector()[i] = x
			if want, got := (up-down)/(2*h), grad.Vector()[i]; math.Abs(want-got) > 1e-7 {
				t.Fatalf("%s: gradient %d is %v, by differences %v", s.Name(), i, got, want)
			}
		}
	}
}

// Prices rise while a limit is broken and fall to nothing while it is met.
func TestPrices(t *testing.T) {
	params, _ := space.DARTS.CountedCosts(space.Size{Channels: 36, Cells: 20}, 10, 32)
	ls := Limits{{Name: "parameters", Costs: params}}
	heaviest := space.DARTS.Heaviest()
	ls[0].Most = params.Of(heaviest) / 2
	p := Prices{0}
	p.Adjust(ls, heaviest)
	p.Adjust(ls, heaviest)
	if p[0] != 2 {
		t.Errorf("the price is %v after twice the double cost, want 2", p[0])
	}
	ls[0].Most = params.Of(heaviest) * 10
	for range 3 {
		p.Adjust(ls, heaviest)
	}
	if p[0] != 0 {
		t.Errorf("the price is %v after it was met, want 0", p[0])
	}
}

// A limit that nothing meets is refused with the costs that there are.
func TestCheckNamesTheRange(t *testing.T) {
	m := space.DARTS.FullMask()
	params, macs := space.DARTS.CountedCosts(space.Size{Channels: 36, Cells: 20}, 10, 32)
	ls := limitsOf(m, 1, params, macs)
	if err := ls.Check(m); err != nil {
		t.Error(err)
	}
	ls[0].Most = 1000
	err := ls.Check(m)
	if err == nil {
		t.Fatal("1000 weights were accepted")
	}
	least, most := ls[0].Range(m)
	for _, x := range []float64{1000, least, most} {
		if !strings.Contains(err.Error(), fmt.Sprint(x)) {
			t.Errorf("%q does not name %v", err, x)
		}
	}
}
