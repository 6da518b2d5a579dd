package space

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSet(t *testing.T) {
	s := SetOf(DilConv5x5, None, SepConv3x3, None)
	if got := joined(DARTS.Members(s)); got != "none, sep_conv_3x3, dil_conv_5x5" {
		t.Error(got)
	}
	if !s.Has(None) || s.Has(SepConv5x5) || s.Len() != 3 || s.Empty() || !s.Usable() {
		t.Errorf("%v: none %v, sep_conv_5x5 %v, %d members",
			s, s.Has(None), s.Has(SepConv5x5), s.Len())
	}
	if SetOf(None).Usable() || SetOf().Usable() || !SetOf().Empty() || SetOf(DARTS.Operations()...).Len() != primitives {
		t.Error("usable or empty is wrong")
	}
}

// A Set is a map from operation to bool.
func TestSetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Set
		var model [primitives]bool
		for range rapid.IntRange(0, 20).Draw(t, "changes") {
			p := DARTS.operations[rapid.IntRange(0, primitives-1).Draw(t, "primitive")]
			if model[p.Index()] = rapid.Bool().Draw(t, "with"); model[p.Index()] {
				s = s.With(p)
			} else {
				s = s.Without(p)
			}
		}
		var members []Primitive
		for _, p := range DARTS.operations {
			if s.Index(p) != len(members) {
				t.Fatalf("%v in %v has index %d, want %d", p, s, s.Index(p), len(members))
			}
			if s.Has(p) != model[p.Index()] {
				t.Fatalf("%v in %v: %v", p, s, s.Has(p))
			}
			if model[p.Index()] {
				members = append(members, p)
			}
		}
		if !slices.Equal(DARTS.Members(s), members) || s.Len() != len(members) || SetOf(members...) != s {
			t.Fatalf("%v has members %v and length %d, want %v", s, DARTS.Members(s), s.Len(), members)
		}
	})
}

func TestFullMask(t *testing.T) {
	m := DARTS.FullMask()
	if m.Count() != 224 || m.CountIn(Normal) != 112 || m.CountIn(Reduce) != 112 {
		t.Errorf("%d operations, %d normal, %d reduce", m.Count(), m.CountIn(Normal), m.CountIn(Reduce))
	}
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
}

func TestMaskValidate(t *testing.T) {
	m := DARTS.FullMask()
	m.Put(Reduce, 10, 0)
	wantError(t, m.Validate(), "at least 1 operation", "has 0", "reduce/edge10")

	m = DARTS.FullMask()
	m.Put(Normal, 2, SetOf(None))
	m.Put(Normal, 4, SetOf(None))
	wantError(t, m.Validate(), "2 edges with an operation other than none", "has 1", "normal/node1")
	m.Put(Normal, 4, SetOf(None, SkipConnect))
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
	wantError(t, Mask{}.Validate(), "normal/edge0")
}

func TestParseMaskErrors(t *testing.T) {
	lists := func(e int, names ...string) [][]string {
		l := make([][]string, edges)
		for i := range l {
			l[i] = []string{"sep_conv_3x3"}
		}
		l[e] = names
		return l
	}
	good := lists(0, "none", "max_pool_3x3")
	if _, err := DARTS.ParseMask([2][][]string{good, good}); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		normal, reduce [][]string
		parts          []string
	}{
		{good[:13], good, []string{"14 edges", "got 13", "normal"}},
		{good, nil, []string{"14 edges", "got 0", "reduce"}},
		{good, lists(3), []string{"at least 1 operation", "reduce/edge3"}},
		{lists(12, "conv"), good, []string{`unknown operation "conv"`, "normal/edge12"}},
		{lists(2, "none", "skip_connect", "none"), good,
			[]string{"none is listed twice", "normal/edge2"}},
	}
	for _, c := range cases {
		_, err := DARTS.ParseMask([2][][]string{c.normal, c.reduce})
		wantError(t, err, append(c.parts, "mask: ")...)
	}
}

// After one round of Algorithm 1, 7 of 8 operations are left, and (7/8)^28 of the
// architectures.
func TestRemaining(t *testing.T) {
	full := DARTS.FullMask()
	m := full.Drop(None)
	wantNear(t, "operations", m.RemainingOperations(full), 7./8, 0)
	wantNear(t, "architectures", m.RemainingArchitectures(full), math.Pow(7./8, 28), 1e-13)
	wantNear(t, "log of all architectures", full.LogArchitectures(), 28*math.Log(8), 1e-14)
	if got := full.RemainingArchitectures(full); got != 1 {
		t.Errorf("a mask has %v of its own architectures left", got)
	}
	m.Put(Normal, 0, 0)
	if got := m.RemainingArchitectures(full); got != 0 {
		t.Errorf("with an empty set %v of the architectures are left, want 0", got)
	}
}

func TestDropKeepsTheLastOperation(t *testing.T) {
	m := DARTS.FullMask()
	m.Put(Reduce, 5, SetOf(None))
	m = m.Drop(None)
	if m.At(Reduce, 5) != SetOf(None) || m.At(Reduce, 6).Has(None) || m.Count() != 27*7+1 {
		t.Errorf("edge 5 %v, edge 6 %v, %d operations", m.At(Reduce, 5), m.At(Reduce, 6), m.Count())
	}
}

func TestSubsetAndCandidates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := drawRand(t)
		m := drawMask(t, rng)
		smaller := m.Drop(DARTS.operations[rng.IntN(primitives)])
		if !smaller.SubsetOf(m) || m.SubsetOf(smaller) != (m == smaller) {
			t.Fatalf("%v of %v", smaller, m)
		}
		var back Mask
		for _, cell := range cellTypes {
			for _, c := range m.Candidates(cell) {
				back.Put(c.Cell, c.Edge, back.At(c.Cell, c.Edge).With(c.Op))
			}
		}
		if back != m || len(m.Candidates(Normal)) != m.CountIn(Normal) {
			t.Fatalf("the candidates make %v, want %v", back, m)
		}
	})
	if got := DARTS.FullMask().Candidates(Reduce)[83].String(); got != "reduce/edge10/skip_connect" {
		t.Errorf("candidate 83 is %s", got)
	}
}
