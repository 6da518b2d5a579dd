package ort

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// touch makes a file and its folders.
func touch(t *testing.T, path ...string) string {
	t.Helper()
	p := filepath.Join(path...)
	ok(t, os.MkdirAll(filepath.Dir(p), 0o755))
	ok(t, os.WriteFile(p, []byte("x"), 0o644))
	return p
}

func TestLocateOrder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(PathVariable, "")
	t.Setenv("ZOS_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "xdg"))
	place := []string{"onnxruntime", Version, Platform(), LibraryName()}
	want := func(path string) {
		t.Helper()
		if got, err := Locate(); got != path || err != nil {
			t.Errorf("Locate() = %q, %v; want %q", got, err, path)
		}
	}
	_, err := Locate()
	wantErr(t, err, ErrNoRuntime, "no runtime: run make setup", filepath.Join("xdg", "zos-ort"))
	want(touch(t, append([]string{dir, "xdg", "zos-ort"}, place...)...))
	t.Setenv("ZOS_CACHE", filepath.Join(dir, "own"))
	_, err = Locate()
	wantErr(t, err, ErrNoRuntime, filepath.Join(dir, "own"))
	want(touch(t, append([]string{dir, "own"}, place...)...))
	t.Setenv(PathVariable, filepath.Join(dir, "nowhere.so"))
	_, err = Locate()
	wantErr(t, err, ErrNoRuntime, PathVariable, "nowhere.so")
	path := touch(t, dir, "here.so")
	t.Setenv(PathVariable, path)
	want(path)
}

// fakes are libraries other than the one we need. The table is as long as API 28 has functions.
var fakes = []struct {
	name, source string
	want         error
	words        []string
}{
	{"no entry point", "int nothing;", ErrNotRuntime, []string{"OrtGetApiBase"}},
	{"empty entry point", "void *OrtGetApiBase(void) { return 0; }", ErrNotRuntime, nil},
	{"old version", fakeBase("return 0;"), ErrVersion, []string{"1.2.3", "API 28", "make setup"}},
	{"training function missing", fakeBase("return table;"), ErrNoTraining, []string{"1.2.3"}},
	{"no training", fakeBase("table[219] = none; return table;"), ErrNoTraining,
		[]string{"1.2.3", "built without training"}},
}

func fakeBase(getAPI string) string {
	return fmt.Sprintf(`
static void *table[424];
static void *none(unsigned v) { return 0; }
static void *get(unsigned v) { (void)table; (void)none; %s }
static const char *version(void) { return "1.2.3"; }
static struct { void *get; void *version; } base = { get, version };
void *OrtGetApiBase(void) { return &base; }`, getAPI)
}

// compile makes a shared library of C source.
func compile(t *testing.T, source string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler (cc) to make a library with")
	}
	dir := t.TempDir()
	from, to := filepath.Join(dir, "fake.c"), filepath.Join(dir, "fake.so")
	ok(t, os.WriteFile(from, []byte(source), 0o644))
	out, err := exec.Command(cc, "-shared", "-fPIC", "-o", to, from).CombinedOutput()
	if err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	return to
}

func TestOpenRefuses(t *testing.T) {
	ok(t, Close())
	for _, f := range fakes {
		t.Run(f.name, func(t *testing.T) {
			path := compile(t, f.source)
			wantErr(t, Open(path), f.want, append(f.words, path)...)
			t.Setenv(PathVariable, path)
			info, err := Describe()
			wantErr(t, err, f.want)
			if info.Path != path || info.Training {
				t.Errorf("described as %+v", info)
			}
			if strings.Contains(f.source, "1.2.3") && info.Version != "1.2.3" {
				t.Errorf("version %q, want 1.2.3", info.Version)
			}
		})
	}
	text := touch(t, t.TempDir(), "text.so")
	wantErr(t, Open(text), ErrNotRuntime, text)
	_, err := NewTensor(Float, 1)
	wantErr(t, err, ErrNotOpen)
}

func TestOpenAndClose(t *testing.T) {
	ok(t, Close())
	closed, err := Describe()
	ok(t, err)
	for range 3 {
		ok(t, Open(""))
		ok(t, Open(""))
		open, err := Describe()
		ok(t, err)
		if fmt.Sprint(open) != fmt.Sprint(closed) {
			t.Errorf("described as %v when open, %v when closed", open, closed)
		}
		wantErr(t, Open("/elsewhere.so"), ErrInUse, "elsewhere", open.Path)
		x := must(NewTensor(Float, 2))(t)
		wantErr(t, Close(), ErrInUse, "1 tensor")
		x.Close()
		ok(t, Close())
		ok(t, Close())
	}
	if closed.Version != Version || !closed.Training || closed.APIVersion != 28 ||
		closed.Build == "" || !strings.Contains(fmt.Sprint(closed.Providers), "CPUExecutionProvider") {
		t.Errorf("described as %+v", closed)
	}
}

// Without HOME the cache is in the home folder of the user, not at the root.
func TestCacheWithoutHome(t *testing.T) {
	for _, name := range []string{"ZOS_CACHE", "XDG_CACHE_HOME", "HOME"} {
		t.Setenv(name, "")
	}
	u, err := user.Current()
	if err != nil || u.HomeDir == "" {
		t.Skip("the user has no home folder")
	}
	if got, want := CacheDir(), filepath.Join(u.HomeDir, ".cache", "zos-ort"); got != want {
		t.Errorf("cache %s, want %s", got, want)
	}
}
