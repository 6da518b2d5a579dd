package space

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMaskJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMask(t, drawRand(t))
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var back Mask
		if err := json.Unmarshal(text, &back); err != nil || back != m {
			t.Fatalf("%s is read as %v, %v", text, back, err)
		}
	})
}

const listOf14 = `[["none","sep_conv_3x3"],["sep_conv_3x3"],["sep_conv_3x3"],["sep_conv_3x3"],` +
	`["sep_conv_3x3"],["sep_conv_3x3"],["sep_conv_3x3"],["sep_conv_3x3"],["sep_conv_3x3"],` +
	`["sep_conv_3x3"],["sep_conv_3x3"],["sep_conv_3x3"],["sep_conv_3x3"],["skip_connect"]]`

const maskText = `{"schema":"zos-ort/mask","version":1,"normal":` + listOf14 +
	`,"reduce":` + listOf14 + `}`

func TestMaskJSONForm(t *testing.T) {
	var m Mask
	if err := m.UnmarshalJSON([]byte(maskText)); err != nil {
		t.Fatal(err)
	}
	if m.At(Normal, 0) != SetOf(None, SepConv3x3) || m.At(Reduce, 13) != SetOf(SkipConnect) {
		t.Errorf("read as %v", m)
	}
	if text, err := json.Marshal(m); err != nil || string(text) != maskText {
		t.Errorf("written as %s, %v", text, err)
	}
	shuffled := strings.Replace(maskText, `"none","sep_conv_3x3"`, `"sep_conv_3x3","none"`, 1)
	var other Mask
	if err := other.UnmarshalJSON([]byte(shuffled)); err != nil || other != m {
		t.Errorf("another order is read as %v, %v", other, err)
	}
}

func TestMaskJSONRefuses(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(maskText, old, new, 1) }
	cases := []struct {
		text  string
		parts []string
	}{
		{"", []string{"mask: not JSON", "unexpected EOF"}},
		{"[]", []string{"not a JSON object"}},
		{`"mask"`, []string{"not a JSON object"}},
		{maskText[:100], []string{"not JSON", "unexpected EOF"}},
		{maskText + "{}", []string{"text after the end"}},
		{maskText + "}", []string{"text after the end"}},
		{replace(`"version":1`, `"version":2`), []string{"version is 2", "reads 1"}},
		{replace(`"version":1`, `"version":null`), []string{`key "version"`, "null"}},
		{replace(`"version":1,`, ``), []string{`key "version" is missing`}},
		{replace(`zos-ort/mask`, `zos-ort/genotype`),
			[]string{`schema is "zos-ort/genotype"`, `"zos-ort/mask"`}},
		{replace(`"reduce"`, `"reduced"`), []string{`key "reduce" is missing`}},
		{replace(`"reduce"`, `"Reduce"`), []string{`key "reduce" is missing`}},
		{replace(`"reduce"`, `"normal"`), []string{`key "normal" appears twice`}},
		{replace(`"version":1`, `"version":1,"xi":0.5,"a":1`), []string{`unknown key "a"`}},
		{replace(`[["none"`, `[[null`), []string{"unknown operation"}},
		{replace(`[["none"`, `[[3`), []string{`key "normal"`}},
		{replace(`"none","sep`, `"sep_conv_3x3","sep`),
			[]string{"sep_conv_3x3 is listed twice", "normal/edge0"}},
		{replace(`"skip_connect"`, `"skip"`), []string{`unknown operation "skip"`, "normal/edge13"}},
		{replace(`,["skip_connect"]`, ``), []string{"14 edges, got 13", "normal"}},
		{replace(`["skip_connect"]`, `[]`), []string{"at least 1 operation", "normal/edge13"}},
	}
	for _, c := range cases {
		m := DARTS.FullMask()
		wantError(t, m.UnmarshalJSON([]byte(c.text)), append(c.parts, "mask: ")...)
		if m != DARTS.FullMask() {
			t.Errorf("a refused text changed the mask: %s", c.text)
		}
	}
	_, err := json.Marshal(Mask{})
	wantError(t, err, "at least 1 operation", "normal/edge0")
}

func TestMaskFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mask.json")
	m, _ := DARTS.RandomMask(newRand(3), .5)
	for _, m := range []Mask{DARTS.FullMask(), m} { // the second replaces the first
		if err := WriteMask(path, m); err != nil {
			t.Fatal(err)
		}
		if back, err := ReadMask(path); err != nil || back != m {
			t.Errorf("read back %v, %v", back, err)
		}
	}
	if text := string(must(os.ReadFile(path))(t)); strings.Count(text, "\n") != 2*edges+8 {
		t.Errorf("not one line per edge:\n%s", text)
	}

	m.Put(Normal, 0, SetOf(None))
	m.Put(Normal, 1, SetOf(SkipConnect))
	wantError(t, WriteMask(path, m), path, "normal/node0")
	if entries := must(os.ReadDir(dir))(t); len(entries) != 1 {
		t.Errorf("files left behind: %v", entries)
	}
	if err := os.WriteFile(path, m.text(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadMask(path)
	wantError(t, err, path, "2 edges with an operation other than none", "normal/node0")
	_, err = ReadMask(filepath.Join(dir, "absent"))
	wantError(t, err, "mask: ", "absent")
	wantError(t, WriteMask(filepath.Join(dir, "no", "mask.json"), DARTS.FullMask()), "mask: ", "no")
}

// A write that fails at the rename leaves neither the temporary file nor a changed target.
func TestWriteFileCleansUp(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "mask.json")
	if err := os.MkdirAll(filepath.Join(target, "occupied"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteMask(target, DARTS.FullMask()); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if entries := must(os.ReadDir(dir))(t); len(entries) != 1 || entries[0].Name() != "mask.json" {
		t.Errorf("files left behind: %v", entries)
	}
}
