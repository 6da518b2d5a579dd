package space

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16Of is a text as an editor of Windows may save it.
func utf16Of(text string, order binary.AppendByteOrder) []byte {
	b := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

// A genotype is read in every form in which people keep one: with comments, in UTF-16, with a byte order mark, as the
// folder of its run.
func TestReadGenotypeForms(t *testing.T) {
	want, err := Named("DARTS_V2")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := want.String()
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteGenotype(filepath.Join(dir, "run", "genotype.json"), want); err != nil {
		t.Fatal(err)
	}
	comments := "# found in June\nDARTS_V2 = " + strings.Replace(text, "normal=", "\n  # the normal cell\n  normal=", 1) +
		" # the end"
	if strings.Count(comments, "#") != 3 {
		t.Fatalf("no comment inside %q", comments)
	}
	for _, path := range []string{write("plain", []byte(text)), write("little", utf16Of(text+"\r\n", binary.LittleEndian)),
		write("big", utf16Of(text, binary.BigEndian)), write("mark", []byte("\ufeff"+text)), write("comments", []byte(comments)),
		filepath.Join(dir, "run")} {
		if got, err := ReadGenotype(path); err != nil || got != want {
			t.Errorf("%s: %v, %v", filepath.Base(path), got, err)
		}
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{empty: "holds no genotype.json", write("odd", []byte{0xff, 0xfe, 'a'}): "odd number",
		write("latin", []byte("Genotyp\xe9")): "not text in UTF-8", write("onlycomment", []byte("# nothing")): "starts with"} {
		if _, err := ReadGenotype(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, says)
		}
	}
}

// A run stands for its mask as well.
func TestReadMaskOfARun(t *testing.T) {
	dir, want := t.TempDir(), DARTS.FullMask().Drop(None)
	if err := WriteMask(filepath.Join(dir, "mask.json"), want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadMask(dir); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
}
