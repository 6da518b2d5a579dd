package space

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// The package is pure data: the standard library only, and no cgo.
func TestStandardLibraryOnly(t *testing.T) {
	files := 0
	for _, entry := range must(os.ReadDir("."))(t) {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		files++
		parsed := must(parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly))(t)
		for _, spec := range parsed.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			first, _, _ := strings.Cut(path, "/")
			if path == "C" || strings.Contains(first, ".") || first == "zos-ort" {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	if files == 0 {
		t.Error("no files to look at")
	}
}
