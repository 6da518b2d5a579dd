package space

import (
	"bytes"
	"testing"
)

// What is read must be written in a form that reads as the same value and is written as the same
// bytes. Run with go test -fuzz=FuzzMaskJSON ./models/space.

func FuzzMaskJSON(f *testing.F) {
	f.Add([]byte(maskText))
	f.Add(DARTS.FullMask().text())
	f.Fuzz(func(t *testing.T, data []byte) {
		var m, back Mask
		if m.UnmarshalJSON(data) != nil {
			return
		}
		text := must(m.MarshalJSON())(t)
		if err := back.UnmarshalJSON(text); err != nil || back != m {
			t.Fatalf("%s\nis read as %v, %v", text, back, err)
		}
		if !bytes.Equal(must(back.MarshalJSON())(t), text) {
			t.Fatal("written twice, two texts")
		}
	})
}

func FuzzAlphasJSON(f *testing.F) {
	for _, edges := range []bool{false, true} {
		a := NewAlphas(DARTS.FullMask().Drop(SepConv3x3), edges)
		a.Init(newRand(2))
		f.Add(must(a.MarshalJSON())(f))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var a, back Alphas
		if a.UnmarshalJSON(data) != nil {
			return
		}
		text := must(a.MarshalJSON())(t)
		if err := back.UnmarshalJSON(text); err != nil || !back.Equal(&a) {
			t.Fatalf("%s\nis read as %v, %v", text, back, err)
		}
		if !bytes.Equal(must(back.MarshalJSON())(t), text) {
			t.Fatal("written twice, two texts")
		}
	})
}

func FuzzGenotypeText(f *testing.F) {
	f.Add(dartsV2)
	for _, p := range published {
		f.Add(p.name + " = " + p.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := DARTS.ParseGenotype(text)
		if err != nil {
			return
		}
		if back, err := DARTS.ParseGenotype(g.String()); err != nil || back != g {
			t.Fatalf("%v\nis read as %v, %v", g, back, err)
		}
	})
}

func FuzzGenotypeJSON(f *testing.F) {
	for _, g := range named3(f) {
		f.Add(g.text())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var g, back Genotype
		if g.UnmarshalJSON(data) != nil {
			return
		}
		text := must(g.MarshalJSON())(t)
		if err := back.UnmarshalJSON(text); err != nil || back != g {
			t.Fatalf("%s\nis read as %v, %v", text, back, err)
		}
	})
}
