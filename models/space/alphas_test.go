package space

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The vector is: normal operations, reduce operations, normal edges, reduce edges, and all
// accessors are windows on it.
func TestAlphasLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAlphas(t)
		for i := range a.Vector() {
			a.Vector()[i] = float64(i)
		}
		next := 0.0
		expect := func(what string, view []float64, n int) {
			if len(view) != n || cap(view) != n {
				t.Fatalf("%s has %d numbers and room for %d, want %d", what, len(view), cap(view), n)
			}
			for _, v := range view {
				if v != next {
					t.Fatalf("%s has %v where %v belongs", what, v, next)
				}
				next++
			}
		}
		m := a.Mask()
		for _, cell := range cellTypes {
			for e := range edges {
				expect("row "+edgePlace(cell, e), a.Row(cell, e), m.At(cell, e).Len())
			}
			next -= float64(m.CountIn(cell))
			expect("flat", a.Flat(cell), m.CountIn(cell))
		}
		for _, cell := range cellTypes {
			if a.HasEdgeWeights() {
				expect("edge", a.Edge(cell), edges)
			} else if a.Edge(cell) != nil {
				t.Fatal("edge weights without edge weights")
			}
		}
		if int(next) != a.Len() || len(a.Vector()) != a.Len() {
			t.Fatalf("%v numbers are reachable, Len is %d, the vector has %d",
				next, a.Len(), len(a.Vector()))
		}
	})
}

func TestAlphasInit(t *testing.T) {
	a := NewAlphas(DARTS.FullMask(), true)
	if a.Len() != 224+28 {
		t.Fatalf("%d numbers", a.Len())
	}
	a.Init(newRand(1))
	mean, square := 0.0, 0.0
	for _, v := range a.Vector() {
		mean += v / float64(a.Len())
		square += v * v / float64(a.Len())
	}
	// Standard errors for 252 numbers: 6.3e-5 of the mean, 4.5e-5 of the deviation.
	wantNear(t, "mean", mean, 0, 2.5e-4)
	wantNear(t, "standard deviation in units of 1e-3", math.Sqrt(square)*1e3, 1, .1)
	b := a.Like()
	if b.Equal(a) || b.Vector()[0] != 0 || b.Len() != a.Len() {
		t.Error("Like is not zeros of the same layout")
	}
	if b.Init(newRand(1)); !b.Equal(a) {
		t.Error("the same seed gives other alphas")
	}
}

func TestAlphasCopies(t *testing.T) {
	a := NewAlphas(DARTS.FullMask(), false)
	c := a.Clone()
	c.Row(Reduce, 3)[2] = 5
	if a.Row(Reduce, 3)[2] != 0 || c.Vector()[112+3*8+2] != 5 {
		t.Error("a clone shares its numbers")
	}
	if err := a.SetVector(c.Vector()); err != nil || !a.Equal(c) {
		t.Errorf("SetVector: %v", err)
	}
	wantError(t, a.SetVector(make([]float64, 3)), "3 numbers", "wants 224")
	if a.Equal(NewAlphas(DARTS.FullMask(), true)) || a.Equal(NewAlphas(DARTS.FullMask().Drop(None), false)) {
		t.Error("alphas of another layout are equal")
	}
}

func TestAlphasRestrictTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAlphas(t)
		rng := drawRand(t)
		mask := a.Mask()
		for range rng.IntN(100) {
			c := Candidate{Cell: CellType(rng.IntN(2)), Edge: rng.IntN(edges)}
			c.Op = DARTS.operations[rng.IntN(primitives)]
			mask = mask.Without(c)
		}
		r, err := a.RestrictTo(mask)
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range cellTypes {
			for _, c := range mask.Candidates(cell) {
				got := r.Row(cell, c.Edge)[mask.At(cell, c.Edge).Index(c.Op)]
				if want := a.Row(cell, c.Edge)[a.Mask().At(cell, c.Edge).Index(c.Op)]; got != want {
					t.Fatalf("%v is %v, want %v", c, got, want)
				}
			}
			for e, v := range a.Edge(cell) {
				if r.Edge(cell)[e] != v {
					t.Fatalf("edge weight %d is %v, want %v", e, r.Edge(cell)[e], v)
				}
			}
		}
		if r.Mask() != mask || r.HasEdgeWeights() != a.HasEdgeWeights() {
			t.Fatal("the layout is not that of the mask")
		}
	})
	_, err := NewAlphas(DARTS.FullMask().Drop(None), false).RestrictTo(DARTS.FullMask())
	wantError(t, err, "none", "not among max_pool_3x3", "normal/edge0")
}
