package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoGoroutineBypassesRecover: a panic on a goroutine of its own ends the program with a dump, so whatever is
// started goes through models/safe, in the body or in the function that is called.
func TestNoGoroutineBypassesRecover(t *testing.T) {
	root := filepath.Join("..", "..")
	found := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "models/safe/") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n, bare, err := bareGoroutines(path, string(text))
		found += n
		for _, place := range bare {
			t.Errorf("%s starts a goroutine outside of models/safe", place)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 5 {
		t.Errorf("only %d goroutines were found in the source", found)
	}
	// The test itself sees what it must.
	for text, want := range map[string]int{"go f()": 1, "go func() { f() }()": 1, "go func() { _ = safe.Call(nil) }()": 0,
		"wg.Go(f)": 1, "go g()": 0} {
		_, bare, err := bareGoroutines("x.go", "package x\nfunc g() { safe.Call(nil) }\nfunc h() { "+text+" }\n")
		if err != nil || len(bare) != want {
			t.Errorf("%s: %q, %v", text, bare, err)
		}
	}
}

// bareGoroutines counts the go statements and calls of a Go method of a file, and lists those that do not go through
// package safe.
func bareGoroutines(path, text string) (n int, bare []string, err error) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, text, 0)
	if err != nil {
		return 0, nil, err
	}
	guarded := map[string]bool{}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil && usesSafe(fn.Body) {
			guarded[fn.Name.Name] = true
		}
	}
	ast.Inspect(f, func(x ast.Node) bool {
		var called ast.Expr
		switch s := x.(type) {
		case *ast.GoStmt:
			called = s.Call.Fun
		case *ast.CallExpr:
			if m, ok := s.Fun.(*ast.SelectorExpr); ok && m.Sel.Name == "Go" && len(s.Args) == 1 {
				called = s.Args[0]
			}
		}
		if called == nil {
			return true
		}
		n++
		if !usesSafe(called) && !guarded[nameOf(called)] {
			bare = append(bare, files.Position(x.Pos()).String())
		}
		return true
	})
	return n, bare, nil
}

// usesSafe says whether a function of package safe is called.
func usesSafe(x ast.Node) (found bool) {
	ast.Inspect(x, func(x ast.Node) bool {
		if m, ok := x.(*ast.SelectorExpr); ok {
			if p, ok := m.X.(*ast.Ident); ok && p.Name == "safe" {
				found = true
			}
		}
		return !found
	})
	return found
}

// nameOf is the name of a function or method.
func nameOf(x ast.Expr) string {
	switch f := x.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}
