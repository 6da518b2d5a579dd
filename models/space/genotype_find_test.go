package space

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// TestFormsRoundTrip: what is written in any form is read back. A configuration has no order of the genes of a node.
func TestFormsRoundTrip(tt *testing.T) {
	rapid.Check(tt, func(t *rapid.T) {
		g := drawGenotype(t)
		for _, f := range Forms {
			text, err := g.Write(f.Name)
			if f.Name == "nb201" {
				wantError(tt, err, "the form nb201 does not fit cells of the space darts")
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			want := g
			if f.Name == "nasbench301" {
				code, err := g.NB301()
				if err != nil {
					t.Fatal(err)
				}
				want, _ = code.Genotype()
			}
			if back, err := DARTS.FindGenotype([]byte(text), ""); err != nil || back != want {
				t.Fatalf("%s\nis read as %v, %v; want %v", text, back, err, want)
			}
		}
	})
}

// genotypesPy is a file as DARTS and its followers keep it.
var genotypesPy = `from collections import namedtuple

Genotype = namedtuple('Genotype', 'normal normal_concat reduce reduce_concat')

PRIMITIVES = ['none', 'max_pool_3x3']

NASNet = Genotype(
  normal = [('sep_conv_5x5', 1), ('conv_7x1_1x7', 0)],
  normal_concat = [2, 3, 4, 5, 6],
  reduce = [], reduce_concat = [4, 5, 6],
)
# OLD = ` + dartsV2 + `
DARTS_V1 = Genotype(normal=(('sep_conv_3x3', 1),  # the stronger one
  ['sep_conv_3x3', 0], ('skip_connect', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1),
  ('sep_conv_3x3', 0), ('skip_connect', 2)), normal_concat=list(range(2, 6)), reduce=[('max_pool_3x3', 0),
  ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), ('skip_connect', 2),
  ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=tuple([2, 3, 4, 5]))
DARTS_V2 = ` + dartsV2 + `

DARTS = DARTS_V2  # what is used
`

func inUTF16(order binary.AppendByteOrder, text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

// TestFindGenotype reads what people have.
func TestFindGenotype(t *testing.T) {
	v1, v2 := named3(t)[0], named3(t)[1]
	naslib := strings.NewReplacer("normal_concat=range(2, 6)", "normal_concat=[2, 3, 4, 5, 6]", "reduce_concat=range(2, 6)",
		"reduce_concat=[4, 5, 6]").Replace(dartsV2)
	other := strings.Replace(dartsV2, "'dil_conv_3x3', 2", "'dil_conv_5x5', 2", 1)
	for _, c := range []struct {
		what, name, text string
		want             Genotype
	}{
		{"a file of genotypes", "DARTS_V1", genotypesPy, v1},
		{"a file of genotypes", "DARTS_V2", genotypesPy, v2},
		{"an alias", "DARTS", genotypesPy, v2},
		{"a log", "", "2018-06-25 10:04:12,345 INFO epoch 49\n2018-06-25 10:04:13,345 genotype = " + other +
			"\n2018-06-25 11:04:13,345 genotype = " + dartsV2 + "\n2018-06-25 11:04:14 valid_acc 88.5\n", v2},
		{"a log line without a name", "", "12/31 11:59:59 PM | " + dartsV2, v2},
		{"a shell script of confopt", "", "genotypes=(\n  \"DARTS" + dartsV2 + "\"\n)\n", v2},
		{"a comment before", "", "# found by hand\n" + dartsV2, v2},
		{"NASLib's text", "", naslib, v2},
		{"UTF-16 with a mark", "", string(inUTF16(binary.LittleEndian, "\ufeff"+dartsV2)), v2},
		{"UTF-16, big-endian, with a mark", "", string(inUTF16(binary.BigEndian, "\ufeff"+dartsV2)), v2},
		{"UTF-16 without a mark", "", string(inUTF16(binary.LittleEndian, dartsV2)), v2},
		{"UTF-8 with a mark", "", "\ufeff" + dartsV2 + "\r\n", v2},
		{"NNI's dictionary", "", strings.ReplaceAll(v2.nni(), `"`, "'"), v2},
		{"NNI with numbers and sizes", "", strings.NewReplacer("[\n    ", "", "\n  ]", "", "{", `{"width": 36, "num_cells": 20,`).
			Replace(v2.nni()), v2},
		{"lists for NASLib's tuples", "", strings.NewReplacer("(", "[", ")", "]").Replace(v2.compact()), v2},
		{"YAHPO Gym's keys", "", strings.ReplaceAll(v1.configuration(), ":darts:", "_COLON_darts_COLON_"), sorted(t, v1)},
		{"a result of NAS-Bench-301", "", `{"test_accuracy": 94.1, "optimized_hyperparamater_config": ` + v1.configuration() + "}",
			sorted(t, v1)},
	} {
		if g, err := DARTS.FindGenotype([]byte(c.text), c.name); err != nil || g != c.want {
			t.Errorf("%s %s: %v, %v\n%s", c.what, c.name, g, err, c.text)
		}
	}
}

// sorted has the genes of a node by rising source.
func sorted(t *testing.T, g Genotype) Genotype { return must(must(g.NB301())(t).Genotype())(t) }

// TestFindGenotypeRefuses says what does not fit, and where.
func TestFindGenotypeRefuses(t *testing.T) {
	v2 := named3(t)[1]
	for _, c := range []struct {
		name, text string
		parts      []string
	}{
		{"", genotypesPy, []string{"holds 3 genotypes", "--name", "NASNet, DARTS_V1, DARTS_V2"}},
		{"NASNet", genotypesPy, []string{`unknown operation "conv_7x1_1x7"`}},
		{"OLD", genotypesPy, []string{`none with the name "OLD"`, "NASNet, DARTS_V1, DARTS_V2"}},
		{"X", v2.nni(), []string{`one genotype without a name, not "X"`}},
		{"", "nothing here", []string{`starts with "nothing"`}},
		{"", "", []string{`starts with ""`}},
		{"", strings.Replace(v2.nni(), "dil_conv_3x3", "dil_conv_7x7", 1), []string{"normal/op_5_1", "dil_conv_7x7"}},
		{"", strings.Replace(v2.nni(), "normal/op_5_1", "normal/op_6_1", 1), []string{`"normal/op_5_1" is missing`}},
		{"", strings.Replace(v2.nni(), "{", `{"normal/op_6_0": "none",`, 1), []string{`a cell of this space has no "normal/op_6_0"`}},
		{"", strings.Replace(v2.nni(), "[\n    2", "[\n    9", 1), []string{"node 3 reads states 0 to 4, not 9"}},
		{"", strings.Replace(v2.configuration(), "edge_normal_0", "edge_normal_4", 1), []string{"there are 1 (normal/node0)"}},
		{"", strings.Replace(v2.configuration(), `"0_1"`, `"0_2"`, 1), []string{"inputs_node_normal_3", `"0_2", its edges say "0_1"`}},
		{"", strings.Replace(v2.configuration(), "{", `{"edge_normal_14": "none",`, 1), []string{`no "edge_normal_14"`}},
		{"", strings.Replace(v2.compact(), "(0, 3)", "(0, 7)", 1), []string{"numbers 0 to 6, not 7"}},
		{"", strings.Replace(v2.compact(), "(0, 3), ", "", 1), []string{"8 genes, got 7 (normal)"}},
		{"", "((1, 2))", []string{"want"}},
		{"", v2.compact() + "x", []string{"nothing more"}},
		{"", "[]", []string{"want 2 cells, got 0"}},
	} {
		_, err := DARTS.FindGenotype([]byte(c.text), c.name)
		wantError(t, err, append(c.parts, "genotype: ")...)
	}
	_, err := v2.Write("yaml")
	wantError(t, err, `unknown form "yaml": use one of json, darts, nb201, confopt, naslib, nni, nasbench301`)
	_, err = Genotype{}.Write("nni")
	wantError(t, err, "genotype: ")
}

func FuzzFindGenotype(f *testing.F) {
	for _, g := range named3(f) {
		for _, form := range Forms {
			f.Add([]byte(form.write(g)))
		}
	}
	f.Add([]byte(genotypesPy))
	f.Add(inUTF16(binary.LittleEndian, dartsV2))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := DARTS.FindGenotype(data, "")
		if err != nil {
			return
		}
		if back, err := DARTS.ParseGenotype(g.String()); err != nil || back != g {
			t.Fatalf("%v\nis read as %v, %v", g, back, err)
		}
	})
}
