package bench

import (
	"math"
	"testing"

	"zos-ort/models/space"
)

func TestEvenMask(t *testing.T) {
	full := space.DARTS.FullMask()
	if EvenMask(8) != full {
		t.Error("8 operations are not all of them")
	}
	for n := 1; n <= 8; n++ {
		m := EvenMask(n)
		if m.Count() != n*2*space.DARTS.Edges() || m.Validate() != nil {
			t.Errorf("%d operations per edge: %d in all, %v", n, m.Count(), m.Validate())
		}
		counts := map[space.Primitive]int{}
		for _, set := range m.Sets(space.Normal) {
			for _, p := range space.DARTS.Members(set) {
				counts[p]++
			}
		}
		for _, p := range space.DARTS.Operations()[1:] {
			if want := min(n, 7) * 2; counts[p] != want {
				t.Errorf("%d operations per edge: %v occurs %d times, want %d", n, p, counts[p], want)
			}
		}
	}
}

func TestGrowth(t *testing.T) {
	d := Dimension{name: "batch"}
	grow := func(f func(x float64) float64) growth {
		var points []scalingPoint
		for _, v := range []int{8, 16, 32, 64} {
			points = append(points, scalingPoint{Value: v, Weight: f(float64(v))})
		}
		return growthOf(d, quantities[0], points)
	}
	if g := grow(func(x float64) float64 { return 3 * x }); math.Abs(g.Exponent-1) > 1e-9 || g.worse() {
		t.Errorf("linear: %+v", g)
	}
	if g := grow(func(x float64) float64 { return x * x / 7 }); math.Abs(g.Exponent-2) > 1e-9 || !g.worse() {
		t.Errorf("square: %+v", g)
	}
	// The large constant hides the square below, but not in the upper half.
	g := grow(func(x float64) float64 { return 500 + x*x })
	if g.Exponent > superlinear || !g.worse() || g.From != 16 {
		t.Errorf("square above a constant: %+v", g)
	}
}

func TestScalingChart(t *testing.T) {
	points := []scalingPoint{{Value: 8, Weight: 1, Alpha: 1, Create: 1, Memory: 5},
		{Value: 64, Weight: 9, Alpha: 7, Create: 1, Memory: 40}}
	p, err := scalingChart(dimensions[0], points)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Y.Tick.Marker.Ticks(1, 9); len(got) != 5 || got[4].Value != 16 {
		t.Errorf("ticks %v", got)
	}
}
