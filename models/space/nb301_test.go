package space

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The codes of the surrogate's encoding.json: names in lexical order from 1, 0 is #na#.
func TestNB301CodesAreLexical(t *testing.T) {
	var names []string
	for _, p := range DARTS.Operations()[1:] {
		names = append(names, p.String())
	}
	slices.Sort(names)
	for i, name := range names {
		if p := must(DARTS.Operation(name))(t); nb301Codes[p] != uint8(i+1) {
			t.Errorf("%s has code %d, want %d", name, nb301Codes[p], i+1)
		}
	}
	for n := 3; n <= 5; n++ {
		want := uint8(1)
		for a := range n {
			for b := a + 1; b < n; b++ { // "0_1", "0_2", ..., "1_2", ... of one digit each
				if got := pairCode(a, b, n); got != want {
					t.Errorf("pair %d_%d of %d states has code %d, want %d", a, b, n, got, want)
				}
				want++
			}
		}
	}
}

// DARTS_V2 encoded by hand.
func TestNB301OfPublishedGenotype(t *testing.T) {
	const na, avg, dil3, dil5, maxp, sep3, sep5, skip = 0, 1, 2, 3, 4, 5, 6, 7
	want := NB301{
		sep3, sep3, sep3, sep3, na, skip, sep3, na, na, skip, na, dil3, na, na,
		maxp, maxp, na, maxp, skip, maxp, na, skip, na, na, maxp, skip, na, na,
		1 /* 0_1 */, 1 /* 0_1 */, 2, /* 0_2 */
		3 /* 1_2 */, 2 /* 0_2 */, 5 /* 1_2 */}
	got := must(must(Named("DARTS_V2"))(t).NB301())(t)
	if got != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if s := got.String(); s != "5555075007020044047407004700112325" {
		t.Errorf("as text: %s", s)
	}
}

func TestNB301RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, err := RandomGenotype(drawRand(t), DARTS.FullMask())
		if err != nil {
			t.Fatal(err)
		}
		code, err := g.NB301()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := code.Genotype(); err != nil || back != g { // its genes come by rising source too
			t.Fatalf("%v became %v: %v", g, back, err)
		}
		if read, err := ParseNB301(code.String()); err != nil || read != code {
			t.Fatalf("%v became %v: %v", code, read, err)
		}
	})
}

func TestNB301Errors(t *testing.T) {
	good := must(must(Named("DARTS_V2"))(t).NB301())(t).String()
	change := func(at int, digit string) string { return good[:at] + digit + good[at+1:] }
	for text, parts := range map[string][]string{
		good[1:]:         {"34 hexadecimal digits, got 33"},
		change(3, "x"):   {"'x' is not a hexadecimal digit"},
		change(0, "8"):   {"codes 1 to 7, not 8", "normal/edge0"},
		change(0, "0"):   {"2 edges, not 1", "normal/node0"},
		change(4, "1"):   {"2 edges, not 3", "normal/node1"},
		change(28, "2"):  {"pair 1, not 2", "normal/node1"},
		change(33, "a"):  {"pair 5, not 10", "reduce/node3"},
		change(15, "00"): {"got 35"},
	} {
		_, err := ParseNB301(text)
		wantError(t, err, parts...)
	}
	_, err := Genotype{}.NB301()
	wantError(t, err, "none is not an operation")
	if !strings.Contains(fmt.Sprint(must(ParseNB301(good))(t)), "5555") {
		t.Error("a code does not print as its digits")
	}
}
