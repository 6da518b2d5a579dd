package space

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/models/space/spacetest"
)

// all are the shipped spaces, and random ones.
func all(t *testing.T) (list []*Space) {
	for _, name := range Shipped() {
		list = append(list, must(Open(name))(t))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		text := spacetest.Document(rng)
		s, err := Parse(text)
		if err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		list = append(list, s)
	}
	return list
}

func TestShipped(t *testing.T) {
	for name, want := range map[string]struct {
		edges, operations, types int
		architectures            float64
	}{
		"darts": {14, 8, 2, math.Pow(2*1*1*1*math.Pow(7, 8)/2*3*6*10, 2)},
		"nb201": {6, 5, 1, 15625},
		"s1":    {14, 6, 2, math.Pow(math.Pow(2, 8)*3*6*10, 2)},
		"s2":    {14, 2, 2, math.Pow(math.Pow(2, 8)*3*6*10, 2)},
		"s3":    {14, 3, 2, math.Pow(math.Pow(2, 8)*3*6*10, 2)},
		"s4":    {14, 2, 2, math.Pow(math.Pow(2, 8)*3*6*10, 2)},
		"wide":  {14, 7, 2, math.Pow(math.Pow(6, 8)*3*6*10, 2)},
	} {
		s := must(Open(name))(t)
		if s.Edges() != want.edges || len(s.Operations()) != want.operations || len(s.CellTypes()) != want.types {
			t.Errorf("%s: %d edges, %d operations, %d cell types", name, s.Edges(), len(s.Operations()), len(s.CellTypes()))
		}
		wantNear(t, name+": architectures", s.LogArchitectures(), math.Log(want.architectures), 1e-12)
		if s.Name() != name || s.About() == "" || must(Open(name))(t) != s {
			t.Errorf("%s is called %s, about %q, or is another space the second time", name, s.Name(), s.About())
		}
	}
	if n := len(Shipped()); n != 7 {
		t.Errorf("%d spaces are shipped", n)
	}
}

// Masks, alphas and genotypes of every space come back as they were written; genotypes also as text.
func TestRoundTripsInEverySpace(t *testing.T) {
	for i, s := range all(t) {
		rng := newRand(uint64(i))
		m, _ := s.RandomMask(rng, .5)
		if err := m.Validate(); err != nil {
			t.Fatalf("%s: %v", s.document, err)
		}
		var mask Mask
		if err := mask.UnmarshalJSON(must(m.MarshalJSON())(t)); err != nil || mask != m {
			t.Errorf("%s: mask %v", s.document, err)
		}
		a := NewAlphas(m, i%2 == 0)
		a.Init(rng)
		var alphas Alphas
		if err := alphas.UnmarshalJSON(must(a.MarshalJSON())(t)); err != nil || !alphas.Equal(a) {
			t.Errorf("%s: alphas %v", s.document, err)
		}
		for _, g := range []Genotype{must(a.Genotype())(t), must(RandomGenotype(rng, m))(t), s.Heaviest()} {
			if err := g.Validate(); err != nil {
				t.Errorf("%s: %v", s.document, err)
			}
			var read Genotype
			if err := read.UnmarshalJSON(must(g.MarshalJSON())(t)); err != nil || read != g {
				t.Errorf("%s: genotype %v, %v", s.document, g, err)
			}
			if read, err := s.ParseGenotype(g.String()); err != nil || read != g {
				t.Errorf("%s: %s is read as %v, %v", s.document, g, read, err)
			}
			if c := g.Canonical(); c.Validate() != nil || c.Canonical() != c {
				t.Errorf("%s: canonical %v", s.document, c)
			}
		}
		other := DARTS
		if s == DARTS {
			other = must(Open("s1"))(t)
		}
		if g := must(a.Genotype())(t); !g.Allowed(m) || g.Allowed(other.FullMask()) {
			t.Errorf("%s: %v is not inside of its mask", s.document, g)
		}
	}
}

func TestGenotypesOfNASBench201(t *testing.T) {
	const text = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
	s := must(Open("nb201"))(t)
	for _, reader := range []*Space{s, DARTS} { // the form tells the space
		g := must(reader.FindGenotype([]byte(text+"\n"), ""))(t)
		if g.Space() != s || g.String() != text || g.Skips(Normal) != 1 {
			t.Errorf("read as %v of %s", g, g.Space().Name())
		}
	}
	for text, part := range map[string]string{
		"|nor_conv_3x3~0|":                               `want "+"`,
		strings.Replace(text, "~2", "~1", 1):             "different states, not 1 twice",
		strings.Replace(text, "~2", "~3", 1):             "reads states 0 to 2, not 3",
		strings.Replace(text, "none", "sep_conv_3x3", 1): `unknown operation "sep_conv_3x3"`,
		text + "|": "want nothing more",
	} {
		_, err := s.FindGenotype([]byte(text), "")
		wantError(t, err, part)
	}
	_, err := must(Open("s1"))(t).ParseGenotype(text)
	wantError(t, err, "s1 has no genotypes of the form")
}

// Errors name line and field.
func TestDocumentErrors(t *testing.T) {
	text := string(must(os.ReadFile("spaces/nb201.json"))(t))
	for _, c := range []struct{ from, to, want string }{
		{`"version": 1`, `"version": 2`, "line 3: version: this program reads version 1, not 2"},
		{`"zos-ort/space"`, `"zos-ort/mask"`, "line 2: schema: unknown"},
		{`"about"`, `"About"`, "line 5: About: unknown key: use schema"},
		{`"name": "nb201",`, ``, `line 1: key "name" is missing`},
		{`"kernel": 3`, `"kernel": 4`, "line 10: operations[3].parts[1].kernel: want an odd number"},
		{`, "kernel": 1}`, `}`, `line 9: operations[2].parts[1]: key "kernel" is missing`},
		{`"part": "relu"}, {"part": "conv"`, `"part": "gelu"}, {"part": "conv"`, "operations[2].parts[0].part: unknown \"gelu\""},
		{`{"part": "identity"}`, `{"part": "identity"}, {"part": "relu"}`, "identity stands alone"},
		{`{"part": "identity"}`, `{"part": "identity", "kernel": 3}`, "a part identity has no kernel"},
		{`"skip_connect"`, `"none"`, "line 8: operations[1]: the operation with the part zero is called none"},
		{`"skip_connect"`, `"nor_conv_1x1"`, `line 9: operations[2]: the operation "nor_conv_1x1" appears twice`},
		{`"skip_connect"`, `"Skip"`, "lower-case letters"},
		{`"nodes": 3`, `"nodes": 30`, "cell.nodes: want a whole number from 1 to 8, got 30"},
		{`"nodes": 3`, `"nodes": 1.5`, "got 1.5"},
		{`"keep": "all"`, `"keep": "some"`, "cell.keep: want a whole number"},
		{`"output": "last"`, `"output": "concat"`, "without preprocess a cell has one input"},
		{`"stem": 1`, `"stem": 3`, "the stem has as many channels as the first stage, 1 times C, not 3"},
		{`"reduction": "residual"`, `"reduction": "cell"`, "residual reductions"},
		{`[1, 2, 4]`, `[]`, "skeleton.stages: want 1 to 4 items, got 0"},
		{`[1, 2, 4]`, `[2, 4]`, "the first stage has 1"},
		{`"inputs": 1,`, `"inputs": 1, "edges": [{"node": 0, "source": 1}],`, "so that there is no cycle; not 1"},
		{`"inputs": 1,`, `"inputs": 1, "edges": [{"node": 0, "source": 0}, {"node": 1, "source": 0}],`,
			"node 2 keeps 1 inputs, of its edges 0 have an operation"},
		{`"inputs": 1,`, `"inputs": 1, "edges": [{"node": 0, "source": 0}, {"node": 1, "source": 0}, {"node": 2, "source": 0}],`,
			"nothing reads state 1"},
		{`"inputs": 1,`, `"inputs": 1, "edges": [{"node": 0, "source": 0, "operations": ["none", "sep"]}],`,
			`cell.edges[0].operations[1]: unknown operation "sep"`},
		{`"none": true, `, ``, ""}, // fine
		{`}`, ``, "not JSON"},
		{`{"name": "none", "parts": [{"part": "zero"}]},`, ``, "none is true, but there is no operation none"},
	} {
		if !strings.Contains(text, c.from) {
			t.Fatalf("%s is not in the document", c.from)
		}
		_, err := Parse([]byte(strings.Replace(text, c.from, c.to, 1)))
		if c.want == "" {
			if err != nil {
				t.Errorf("%s to %s: %v", c.from, c.to, err)
			}
			continue
		}
		wantError(t, err, "space: ", c.want)
	}
	_, err := Open("nb202")
	wantError(t, err, `unknown space "nb202": use one of darts, nb201`, "or a file")
	path := filepath.Join(t.TempDir(), "own.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path)
	wantError(t, err, path, "line 1: not JSON")
}

// Any text is read or refused; what is read has masks and genotypes.
func FuzzDocument(f *testing.F) {
	for _, name := range Shipped() {
		f.Add(must(documents.ReadFile("spaces/" + name + ".json"))(f))
	}
	f.Add(spacetest.Document(rand.New(rand.NewPCG(3, 4))))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		m, _ := s.RandomMask(newRand(1), .3)
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		g := must(RandomGenotype(newRand(2), m))(t)
		if read, err := s.ParseGenotype(g.String()); err != nil || read != g {
			t.Fatalf("%v is read as %v, %v", g, read, err)
		}
		if again, err := Parse(s.document); err != nil || again != s {
			t.Fatalf("the document is another space: %v", err)
		}
	})
}
