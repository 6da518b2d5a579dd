package eval_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/op"
	"zos-ort/graphgen/op/optest"
)

// Every operator of package op must have a case in this package. The test reads the list from the
// source.
func TestEveryOperatorIsKnown(t *testing.T) {
	var source []byte
	for _, name := range []string{"dispatch.go", "kernels.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	found := 0
	for _, name := range operators(t, "../op") {
		found++
		if !strings.Contains(string(source), "case op."+name+":") {
			t.Errorf("operator %s is missing", name)
		}
	}
	if found < 25 {
		t.Errorf("found only %d operators", found)
	}
}

// Every operator must occur in a case whose gradient is checked and that runs in ONNX Runtime, or in a group
// that does.
func TestEveryOperatorHasACase(t *testing.T) {
	seen := map[string]bool{"Overwrite": true} // its test in package ort checks the buffers
	for _, c := range optest.Group() {
		g := c.Graph().Graph
		group := g.Nodes[0].Op.(op.Group)
		op.OnDevice(g)
		for _, o := range []ir.Op{group, g.Nodes[0].Op, group.Members[0].Op} {
			seen[reflect.TypeOf(o).Name()] = true
		}
	}
	for _, c := range optest.All() {
		var wrt []int
		for i := range c.Inputs {
			if !c.NoGrad {
				wrt = append(wrt, i)
			}
		}
		for _, n := range c.Graph(wrt...).Nodes {
			seen[reflect.TypeOf(n.Op).Name()] = true
		}
	}
	for _, name := range operators(t, "../op") {
		if !seen[name] {
			t.Errorf("operator %s is in no case", name)
		}
	}
}

// operators lists the types of a package that have an OpType method.
func operators(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "OpType" {
				names = append(names, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	return names
}
