package space

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Bit by bit, also for numbers of extreme size and negative zero.
func TestAlphasJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAlphas(t)
		v := a.Vector()
		for _, x := range rapid.SliceOf(rapid.Float64()).Draw(t, "numbers") {
			v[rapid.IntRange(0, len(v)-1).Draw(t, "place")] = x
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		back := &Alphas{}
		if err := json.Unmarshal(text, back); err != nil {
			t.Fatal(err)
		}
		if back.Mask() != a.Mask() || back.Len() != a.Len() {
			t.Fatal("another layout")
		}
		for i, x := range v {
			if math.Float64bits(back.Vector()[i]) != math.Float64bits(x) {
				t.Fatalf("entry %d: wrote %v, read %v", i, x, back.Vector()[i])
			}
		}
	})
}

func TestAlphasJSONRefuses(t *testing.T) {
	a := NewAlphas(DARTS.FullMask(), true)
	a.Row(Normal, 0)[7] = .25
	a.Edge(Reduce)[13] = .5
	text := string(must(json.Marshal(a))(t))
	cases := []struct {
		old, new string
		parts    []string
	}{
		{`zos-ort/alphas`, `zos-ort/mask`, []string{`schema is "zos-ort/mask"`}},
		{`"dil_conv_5x5",0.25`, `"dil_conv_5x5"`, []string{"want a pair [operation, number]"}},
		{`"dil_conv_5x5",0.25`, `"dil_conv_5x5",0.25,1`, []string{"want a pair [operation, number]"}},
		{`"dil_conv_5x5",0.25`, `"dil_conv_5x5",null`,
			[]string{"dil_conv_5x5 is not a number", "normal/edge0"}},
		{`"dil_conv_5x5",0.25`, `"dil_conv_5x5","1"`,
			[]string{"dil_conv_5x5 is not a number", "normal/edge0"}},
		{`"dil_conv_5x5",0.25`, `"dil_conv_5x5",1e400`,
			[]string{"dil_conv_5x5 is not a number", "normal/edge0"}},
		{`"dil_conv_5x5",0.25`, `"none",0.25`, []string{"none is listed twice", "normal/edge0"}},
		{`"dil_conv_5x5",0.25`, `"conv",0.25`, []string{`unknown operation "conv"`}},
		{`"dil_conv_5x5",0.25`, `5,0.25`, []string{"want the name of an operation, got \"5\""}},
		{`,0.5]`, `]`, []string{"reduce_edges has 13 numbers, wants 14"}},
		{`,0.5]`, `,"x"]`, []string{"the edge weight is not a number", "reduce/edge13"}},
		{`"reduce_edges"`, `"other"`, []string{`unknown key "other"`}},
		{`"reduce_edges":`, `"reduce_edges":null,"x":`, []string{`key "reduce_edges": is null`}},
	}
	for _, c := range cases {
		bad := strings.Replace(text, c.old, c.new, 1)
		if bad == text {
			t.Fatalf("%q is not in the text", c.old)
		}
		wantError(t, new(Alphas).UnmarshalJSON([]byte(bad)), append(c.parts, "alphas: ")...)
	}
	without := strings.Split(text, `,"reduce_edges"`)[0] + "}"
	wantError(t, new(Alphas).UnmarshalJSON([]byte(without)), "reduce_edges has 0 numbers, wants 14")

	a.Vector()[5] = math.NaN()
	_, err := json.Marshal(a)
	wantError(t, err, "number 5 of 252 is NaN")
}
