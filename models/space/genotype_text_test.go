package space

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const dartsV2 = `Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ` +
	`('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ` +
	`('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), ` +
	`reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ` +
	`('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], ` +
	`reduce_concat=range(2, 6))`

func drawGenotype(t *rapid.T) Genotype {
	g, err := RandomGenotype(drawRand(t), DARTS.FullMask())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 8; i += 2 { // strength can order the genes of a node either way
		if rapid.Bool().Draw(t, "swap") {
			g.Normal[i], g.Normal[i+1] = g.Normal[i+1], g.Normal[i]
		}
	}
	return g
}

func TestGenotypeRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGenotype(t)
		if back, err := DARTS.ParseGenotype(g.String()); err != nil || back != g {
			t.Fatalf("text %v is read as %v, %v", g, back, err)
		}
		text, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		var back Genotype
		if err := json.Unmarshal(text, &back); err != nil || back != g {
			t.Fatalf("JSON %s is read as %v, %v", text, back, err)
		}
	})
}

func TestGenotypeTextForm(t *testing.T) {
	v2 := named3(t)[1]
	if got := v2.String(); got != dartsV2 {
		t.Errorf("written as\n%s\nwant\n%s", got, dartsV2)
	}
	accepted := []string{
		dartsV2,
		"DARTS_V2 = " + dartsV2 + "\n",
		strings.ReplaceAll(dartsV2, "'", `"`),
		strings.ReplaceAll(dartsV2, " ", ""),
		strings.NewReplacer("(", " (\n", ")", "\t)\r\n", ",", " ,", "=", " = ").Replace(dartsV2),
		strings.NewReplacer(")]", "),\n]", "6))", "6),)", "1)", "1,)", "range(2, 6)", "[2, 3, 4, 5,]").
			Replace(dartsV2),
		"Genotype(" + dartsV2[strings.Index(dartsV2, "reduce="):len(dartsV2)-1] + ", " +
			dartsV2[len("Genotype("):strings.Index(dartsV2, ", reduce=")] + ")",
	}
	for _, text := range accepted {
		if g, err := DARTS.ParseGenotype(text); err != nil || g != v2 {
			t.Errorf("%s\nis read as %v, %v", text, g, err)
		}
	}
}

func TestGenotypeTextRefuses(t *testing.T) {
	cases := []struct {
		old, new string
		parts    []string
	}{
		{dartsV2, "", []string{`starts with ""`}},
		{dartsV2, "Genotype", []string{`want "(" at byte 8, got the end of the text`}},
		{"Genotype", "Network", []string{`starts with "Network"`}},
		{"6))", "6)) x", []string{"want nothing more", `got "x"`}},
		{"6))", "6)", []string{`want ")"`, "the end of the text"}},
		{"dil_conv_3x3", "dil_conv_7x7",
			[]string{`unknown operation "dil_conv_7x7"`, "none, max_pool_3x3"}},
		{"'dil_conv_3x3', 2", "'dil_conv_3x3'", []string{`want ","`}},
		{"'dil_conv_3x3', 2", "'dil_conv_3x3', 2, 3", []string{`want ")"`}},
		{"'dil_conv_3x3', 2", "'dil_conv_3x3', -2", []string{"want a number"}},
		{"'dil_conv_3x3', 2", "'dil_conv_3x3', 99999999999999999999", []string{"out of range"}},
		{"'dil_conv_3x3', 2", "dil_conv_3x3, 2", []string{"want a quoted name"}},
		{"('dil_conv_3x3', 2)", "['dil_conv_3x3', 2)", []string{`want "]"`}},
		{", ('dil_conv_3x3', 2)", "", []string{"8 genes, got 7", "normal"}},
		{"('dil_conv_3x3', 2)", "('dil_conv_3x3', 2), ('dil_conv_3x3', 3)", []string{"8 genes, got 9"}},
		{"'dil_conv_3x3', 2", "'dil_conv_3x3', 5",
			[]string{"node 3 reads states 0 to 4, not 5", "normal/node3"}},
		{"'dil_conv_3x3', 2", "'dil_conv_3x3', 0", []string{"two different states", "normal/node3"}},
		{"'dil_conv_3x3', 2", "'none', 2", []string{"none is not", "normal/node3"}},
		{"normal_concat=range(2, 6), ", "", []string{`argument "normal_concat" is missing`}},
		{"reduce_concat", "normal_concat", []string{`argument "normal_concat" appears twice`}},
		{"reduce_concat", "concat", []string{`unknown argument "concat"`}},
		{"range(2, 6)", "range(2, 8)",
			[]string{"normal_concat: a cell joins the states 2 to 5, got [2 3 4 5 6 7]"}},
		{"range(2, 6)", "[2, 3, 4]", []string{"got [2 3 4]"}},
		{"range(2, 6)", "(2, 6)", []string{"got [2 6]"}},
		{"range(2, 6)", "list(2, 6)", []string{`normal_concat is "2", want range(2, 6)`}},
		{"range(2, 6)", "set([2, 3, 4, 5])", []string{`normal_concat is "set"`}},
		{"range(2, 6)", "range(6)", []string{"got [6]"}},
		{"range(2, 6)", "range(0, 99999999)", []string{"got [0 99999999]"}},
	}
	for _, c := range cases {
		bad := strings.Replace(dartsV2, c.old, c.new, 1)
		if bad == dartsV2 {
			t.Fatalf("%q is not in the text", c.old)
		}
		_, err := DARTS.ParseGenotype(bad)
		wantError(t, err, append(c.parts, "genotype: ")...)
	}
}

func TestGenotypeJSONForm(t *testing.T) {
	const want = `{"schema":"zos-ort/genotype","version":1,"normal":[["sep_conv_3x3",0],` +
		`["sep_conv_3x3",1],["sep_conv_3x3",0],["sep_conv_3x3",1],["sep_conv_3x3",1],` +
		`["skip_connect",0],["skip_connect",0],["dil_conv_3x3",2]],"reduce":[["max_pool_3x3",0],` +
		`["max_pool_3x3",1],["skip_connect",2],["max_pool_3x3",1],["max_pool_3x3",0],` +
		`["skip_connect",2],["skip_connect",2],["max_pool_3x3",1]]}`
	v2 := named3(t)[1]
	if text, err := json.Marshal(v2); err != nil || string(text) != want {
		t.Errorf("written as %s, %v", text, err)
	}
	cases := []struct {
		old, new string
		parts    []string
	}{
		{`"version":1`, `"version":0`, []string{"version is 0"}},
		{`"version":1`, `"version":1,"concat":[2,3,4,5]`, []string{`unknown key "concat"`}},
		{`,["dil_conv_3x3",2]`, ``, []string{"8 genes, got 7", "normal"}},
		{`["dil_conv_3x3",2]`, `["dil_conv_3x3",2.5]`, []string{"not a whole number", "normal/node3"}},
		{`["dil_conv_3x3",2]`, `["dil_conv_3x3",null]`, []string{"not a whole number", "normal/node3"}},
		{`["dil_conv_3x3",2]`, `["dil_conv_3x3"]`, []string{"want a pair"}},
		{`["dil_conv_3x3",2]`, `["sep_conv",2]`, []string{`unknown operation "sep_conv"`}},
		{`["dil_conv_3x3",2]`, `["dil_conv_3x3",5]`, []string{"node 3 reads states 0 to 4, not 5"}},
		{`["dil_conv_3x3",2]`, `["none",2]`, []string{"none is not"}},
		{`["dil_conv_3x3",2]`, `null`, []string{"want a pair"}},
	}
	for _, c := range cases {
		bad := strings.Replace(want, c.old, c.new, 1)
		g := v2
		wantError(t, g.UnmarshalJSON([]byte(bad)), append(c.parts, "genotype: ")...)
		if g != v2 {
			t.Errorf("a refused text changed the genotype: %s", bad)
		}
	}
}

func TestGenotypeFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "genotype.json")
	for _, g := range named3(t) {
		if err := WriteGenotype(path, g); err != nil {
			t.Fatal(err)
		}
		if back, err := ReadGenotype(path); err != nil || back != g {
			t.Errorf("read back %v, %v", back, err)
		}
	}
	pasted := filepath.Join(dir, "pasted.txt")
	if err := os.WriteFile(pasted, []byte("\n"+dartsV2), 0o600); err != nil {
		t.Fatal(err)
	}
	if g, err := ReadGenotype(pasted); err != nil || g != named3(t)[1] {
		t.Errorf("the pasted text is read as %v, %v", g, err)
	}
	if err := os.WriteFile(pasted, []byte("  {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadGenotype(pasted)
	wantError(t, err, pasted, `key "schema" is missing`)
	_, err = ReadGenotype(filepath.Join(dir, "absent"))
	wantError(t, err, "genotype: ", "absent")
	wantError(t, WriteGenotype(path, Genotype{}), path, "none is not")
	wantError(t, WriteGenotype(filepath.Join(dir, "no", "g.json"), named3(t)[0]), "genotype: ", "no")
}
