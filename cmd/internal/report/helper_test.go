package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copied is a copy of a run of testdata that a test may change.
func copied(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, content string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readText(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantTexts: a page has these texts.
func wantTexts(t *testing.T, page []byte, texts ...string) {
	t.Helper()
	for _, x := range texts {
		if !strings.Contains(string(page), x) {
			t.Errorf("the page has no %q", x)
		}
	}
}
