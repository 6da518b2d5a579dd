package kernels_test

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestSanitized builds the C files with the address sanitizer, without optimisation, which is the
// quickest to build; runs all operators of each instruction set on many shapes; and compares the
// instruction sets.
func TestSanitized(t *testing.T) {
	program := buildDriver(t)
	want := driver(t, program, "portable")
	if len(want) < 5000 {
		t.Errorf("only %d runs", len(want))
	}
	if runtime.GOARCH != "amd64" {
		return
	}
	for _, level := range []string{"avx2", ""} { // what the processor does not have is the one below
		got := driver(t, program, level)
		if len(got) != len(want) {
			t.Fatalf("%q: %d runs, the portable kernels make %d", level, len(got), len(want))
		}
		for i := range want {
			wantLine(t, level, got[i], want[i])
		}
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

// buildDriver compiles testdata/driver.c with the kernels, or skips.
func buildDriver(t *testing.T) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if _, err := exec.LookPath(cc); err != nil {
		t.Skipf("no C compiler: %v", err)
	}
	out := filepath.Join(t.TempDir(), "driver")
	sources, err := filepath.Glob("*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no C files (%v)", err)
	}
	args := append([]string{"-O0", "-g", "-Wall", "-Wextra", "-Werror", "-I.", "-DWORK_SLOTS=0",
		"-fsanitize=address", "-o", out, "testdata/driver.c"}, sources...)
	message, err := exec.Command(cc, append(args, "-lm")...).CombinedOutput()
	if err != nil && bytes.Contains(message, []byte("asan")) {
		t.Skipf("the compiler has no address sanitizer: %s", message)
	} else if err != nil {
		t.Fatalf("%v\n%s", err, message)
	}
	return out
}

func driver(t *testing.T, program, level string) []string {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "ZOS_KERNELS="+level, "ASAN_OPTIONS=detect_leaks=0")
	var out, message bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &message
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		t.Fatalf("%q: %v after %q\n%s", level, err, lines[len(lines)-1], message.String())
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}
