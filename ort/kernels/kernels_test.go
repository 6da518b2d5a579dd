package kernels_test

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSanitized builds the C files with the address sanitizer, without optimisation, because that
// build is quickest. It runs all operators of each instruction set on many shapes, and compares the
// instruction sets.
func TestSanitized(t *testing.T) {
	program := buildDriver(t, compiler(), "-O0", "-g", "-fsanitize=address")
	want := driver(t, "portable", program)
	if len(want) < 5000 {
		t.Errorf("only %d runs", len(want))
	}
	if runtime.GOARCH != "amd64" {
		return
	}
	for _, level := range []string{"avx2", ""} { // a processor without one uses the level below
		wantLines(t, level, driver(t, level, program), want)
	}
}

// TestCross runs the operators for another processor: ZOS_CROSS holds a compiler for it and a
// program that runs the result, as make test-neon sets them.
func TestCross(t *testing.T) {
	tools := strings.Fields(os.Getenv("ZOS_CROSS"))
	if len(tools) != 2 {
		t.Skip("ZOS_CROSS names no compiler and emulator; see make test-neon")
	}
	want := driver(t, "portable", buildDriver(t, compiler(), "-O1"))
	got := driver(t, "", tools[1], buildDriver(t, tools[0], "-O3", "-static"))
	wantLines(t, tools[0], got, want)
}

func wantLines(t *testing.T, level string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%q: %d runs, the portable kernels make %d", level, len(got), len(want))
	}
	for i := range want {
		wantLine(t, level, got[i], want[i])
	}
}

// wantLine compares an operator's sums; the rest of the line must be the same.
func wantLine(t *testing.T, level, got, want string) {
	t.Helper()
	g, w := strings.Fields(got), strings.Fields(want)
	same := len(g) == len(w)
	for i := 0; same && i < len(w); i++ {
		x, errX := strconv.ParseFloat(g[i], 64)
		y, errY := strconv.ParseFloat(w[i], 64)
		if i < 7 || errX != nil || errY != nil {
			same = g[i] == w[i]
		} else {
			same = math.Abs(x-y) <= 1e-4*(1+math.Abs(y)) // NaN is not
		}
	}
	if !same {
		t.Errorf("%q: got  %s\nwant %s", level, got, want)
	}
}

// compiler returns the C compiler of this machine.
func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return cc
	}
	return "cc"
}

// buildDriver compiles testdata/driver.c with the kernels, or skips.
func buildDriver(t *testing.T, cc string, flags ...string) string {
	t.Helper()
	if _, err := exec.LookPath(cc); err != nil {
		t.Skipf("no C compiler: %v", err)
	}
	out := filepath.Join(t.TempDir(), "driver")
	sources, err := filepath.Glob("*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no C files (%v)", err)
	}
	args := slices.Concat(flags, []string{"-Wall", "-Wextra", "-Werror", "-I.", "-DWORK_SLOTS=0", "-o", out,
		"testdata/driver.c"}, sources, []string{"-lm", "-lpthread"})
	message, err := exec.Command(cc, args...).CombinedOutput()
	if err != nil && bytes.Contains(message, []byte("asan")) {
		t.Skipf("the compiler has no address sanitizer: %s", message)
	} else if err != nil {
		t.Fatalf("%v\n%s", err, message)
	}
	return out
}

// driver runs a command with the kernels limited to a level, and returns the lines that it prints.
func driver(t *testing.T, level string, command ...string) []string {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "ZOS_KERNELS="+level, "ASAN_OPTIONS=detect_leaks=0")
	var out, message bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &message
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		t.Fatalf("%q: %v after %q\n%s", level, err, lines[len(lines)-1], message.String())
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}
