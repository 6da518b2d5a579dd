package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goTest runs go test in a module of one package with the body of a test file, and gives what run says.
func goTest(t *testing.T, source string) (ok bool, out string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "m_test.go"), "package m\n\nimport \"testing\"\n\n"+source)
	write(t, filepath.Join(dir, "skips"), "# those without a card\n\n^ +m_test.go:\\d+: no GPU here$\n")
	cmd := exec.Command("go", "test", "-json", "./...")
	cmd.Dir = dir
	events, _ := cmd.Output() // fails where a test does
	var b bytes.Buffer
	ok, err := run(filepath.Join(dir, "skips"), bytes.NewReader(events), &b)
	if err != nil {
		t.Fatalf("%v\n%s", err, events)
	}
	return ok, regexp.MustCompile(`\d+\.\d+s`).ReplaceAllString(b.String(), "0s")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestStrict(t *testing.T) {
	for _, c := range []struct {
		name, source string
		ok           bool
		want         string // lines that must come in this order
	}{
		{"pass", `func TestA(t *testing.T) { t.Log("unseen") }`, true, "ok  \tm\t0s\n"},
		{"listed skip", `func TestA(t *testing.T) { t.Skip("no GPU here") }`, true, "ok  \tm\t0s\n"},
		{"skip", `func TestA(t *testing.T) { t.Skip("no data") }`, false,
			"    m_test.go:5: no data\n--- SKIP: TestA (0s)\n" +
				"    strict: no line of the list allows this reason to skip TestA\n" +
				"FAIL\nFAIL\tm\t[1 skipped]\nFAIL\n"},
		{"skip of a subtest", `func TestA(t *testing.T) {
	t.Run("no GPU", func(t *testing.T) { t.SkipNow() })
}`, false, "--- SKIP: TestA/no_GPU (0s)\n" +
			"    strict: no line of the list allows this reason to skip TestA/no_GPU\n" +
			"FAIL\nFAIL\tm\t[1 skipped]\nFAIL\n"},
		{"failure", `func TestA(t *testing.T) { t.Error("wrong") }`, false,
			"    m_test.go:5: wrong\n--- FAIL: TestA (0s)\nFAIL\nFAIL\tm\t0s\nFAIL\n"},
	} {
		ok, got := goTest(t, c.source)
		if ok != c.ok || got != c.want {
			t.Errorf("%s: ok is %v, want %v; it prints\n%s\nwant\n%s", c.name, ok, c.ok, got, c.want)
		}
	}
}

// What the compiler and a crash say is shown, too.
func TestStrictShowsCause(t *testing.T) {
	for source, want := range map[string]string{
		`func TestA(t *testing.T) { nowhere() }`:             "undefined: nowhere",
		`func TestA(t *testing.T) { panic("at the disco") }`: "panic: at the disco",
	} {
		ok, got := goTest(t, source)
		if ok || !strings.Contains(got, want) || !strings.HasSuffix(got, "\nFAIL\n") {
			t.Errorf("ok is %v, it prints\n%s\nwant %q and FAIL at the end", ok, got, want)
		}
	}
}

func TestStrictErrors(t *testing.T) {
	list := filepath.Join(t.TempDir(), "skips")
	write(t, list, "fine\n(\n")
	if _, err := run(list, strings.NewReader(""), &bytes.Buffer{}); err == nil ||
		!strings.Contains(err.Error(), "line 2") {
		t.Errorf("a wrong expression: error %v", err)
	}
	write(t, list, "fine\n")
	for events, want := range map[string]string{
		"":                "no package was tested",
		"ok  \tm\t0.1s\n": "not an event",
		`{"Action":"start","Package":"m"}` + "\n": "before the tests of m",
	} {
		if _, err := run(list, strings.NewReader(events), &bytes.Buffer{}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", events, err, want)
		}
	}
}
