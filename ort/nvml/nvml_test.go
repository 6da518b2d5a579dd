package nvml

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zos-ort/models/safe"
)

// fakeNVML is a library with two devices. The first is full. The second's use is FAKE_NVML_USED,
// all of it this process's unless FAKE_NVML_SHY is set: then the library may not say whose it is.
const fakeNVML = `
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char devices[2];
int nvmlSystemGetDriverVersion(char *s, unsigned n) { strncpy(s, "580.65.06", n); return 0; }
int nvmlDeviceGetHandleByUUID(const char *s, void **d) {
  if (strcmp(s, "GPU-1") == 0) return *d = &devices[0], 0;
  if (strcmp(s, "GPU-2") == 0 || strcmp(s, "MIG-7") == 0) return *d = &devices[1], 0;
  return 6;
}
int nvmlDeviceGetName(void *d, char *s, unsigned n) {
  strncpy(s, d == devices ? "First" : "Second", n);
  return 0;
}
static uint64_t used(void *d) {
  const char *text = getenv("FAKE_NVML_USED");
  return d == devices ? 1000 : text ? strtoull(text, 0, 10) : 0;
}
int nvmlDeviceGetMemoryInfo(void *d, uint64_t *m) {
  m[0] = 1000, m[2] = used(d), m[1] = m[0] - m[2];
  return m[2] > m[0] ? 999 : 0;
}
struct info { unsigned pid; unsigned long long bytes; unsigned gpu, compute; };
int nvmlDeviceGetComputeRunningProcesses_v3(void *d, unsigned *n, struct info *p) {
  if (*n < 2) return *n = 2, 7;
  p[0] = (struct info){getpid() + 1, 5};
  p[1] = (struct info){getpid(), getenv("FAKE_NVML_SHY") ? ~0ull : used(d)};
  return *n = 2, 0;
}
int nvmlDeviceGetUtilizationRates(void *d, unsigned *u) {
  if (d == devices) return 3;
  return u[0] = 42, u[1] = 7, 0;
}
#ifndef FAKE_NVML_INIT
#define FAKE_NVML_INIT 0
#endif
int nvmlInit_v2(void) { return FAKE_NVML_INIT; }
const char *nvmlErrorString(int e) { return e == 6 ? "Not Found" : "Unknown Error"; }
`

// A process opens the library once, so all tests see the same one.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "nvml-"); err != nil {
		panic(err)
	}
	if _, missing := exec.LookPath("cc"); missing == nil {
		err = compile(LibraryName, fakeNVML)
	}
	if err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(folder)
	os.Exit(status)
}

// compile makes a library of C source in folder.
func compile(name, source string, flags ...string) error {
	cmd := exec.Command("cc", append(flags, "-w", "-shared", "-fPIC", "-x", "c",
		"-o", filepath.Join(folder, name), "-")...)
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cc: %w\n%s", err, out)
	}
	return nil
}

func open(t *testing.T, uuid string) *Device {
	t.Helper()
	if find([]string{folder}) == "" {
		t.Skip("skipped: no C compiler")
	}
	d, err := Open([]string{t.TempDir(), folder}, uuid)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantUsage(t *testing.T, what string, got, want Usage) {
	t.Helper()
	if got != want {
		t.Errorf("%s: the device uses %+v, want %+v", what, got, want)
	}
}

// The UUID selects the device; figures that the library does not report are left out.
func TestUsage(t *testing.T) {
	t.Setenv("FAKE_NVML_USED", "300")
	first, second := open(t, "GPU-1"), open(t, "GPU-2")
	if part := open(t, "GPU-7"); part.Name != "Second" {
		t.Errorf("a part of a device is %+v", part)
	}
	if first.Name != "First" || second.Name != "Second" || second.Driver != "580.65.06" {
		t.Errorf("devices are %+v and %+v", first, second)
	}
	for _, c := range []struct {
		what   string
		device *Device
		want   Usage
	}{{"full, no utilisation", first, Usage{1000, 1000, 1000, -1}},
		{"second", second, Usage{1000, 300, 300, 42}}} {
		u, err := c.device.Usage()
		if err != nil {
			t.Fatal(err)
		}
		wantUsage(t, c.what, u, c.want)
	}
	t.Setenv("FAKE_NVML_SHY", "1")
	u, err := second.Usage()
	wantUsage(t, "shy", u, Usage{1000, 300, 0, 42})
	if err != nil || u.Free() != 700 {
		t.Errorf("free are %d bytes, want 700; error %v", u.Free(), err)
	}
}

func TestMissing(t *testing.T) {
	open(t, "GPU-1")
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, LibraryName), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dir, uuid, words string }{
		{t.TempDir(), "GPU-1", "libnvidia-ml.so.1 is missing: it comes with the NVIDIA driver"},
		{folder, "GPU-3", `device "GPU-3": error 6 (Not Found)`},
		{folder, "", `device ""`},
		{other, "GPU-1", "is open, not"}} {
		_, err := Open([]string{c.dir}, c.uuid)
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: error %v, want %q", c.uuid, err, c.words)
		}
	}
}

// An unusable library says why, and the open library still answers.
func TestUnusableLibrary(t *testing.T) {
	t.Setenv("FAKE_NVML_USED", "300")
	d := open(t, "GPU-2")
	for _, c := range []struct {
		name, source, words string
		flags               []string
	}{
		{"empty.so", "", "it has no function nvmlInit_v2", nil},
		{"old.so", "int nvmlInit_v2(void) { return 0; }", "no function nvmlSystemGetDriverVersion", nil},
		{"broken.so", fakeNVML, "nvmlInit_v2 returns error 9", []string{"-DFAKE_NVML_INIT=9"}}} {
		if err := compile(c.name, c.source, c.flags...); err != nil {
			t.Fatal(err)
		}
		err := loadLibrary(filepath.Join(folder, c.name))
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.words)
		}
	}
	if err := loadLibrary(filepath.Join(folder, "none.so")); err == nil {
		t.Error("a missing file is loaded")
	}
	if u, err := d.Usage(); err != nil || u.Used != 300 {
		t.Errorf("the open library says %+v, error %v", u, err)
	}
}

// A watch sees what happens between two reads by its owner, keeps what it saw when the device falls
// silent, starts afresh after Peak, and leaves no goroutine behind, because the bubble would then
// not end.
func TestWatch(t *testing.T) { synctest.Test(t, testWatch) }

func testWatch(t *testing.T) {
	t.Setenv("FAKE_NVML_USED", "100")
	const tick = time.Second // of the bubble's clock
	w := open(t, "GPU-2").Watch(tick)
	see := func(used string, want int64) {
		t.Helper()
		t.Setenv("FAKE_NVML_USED", used)
		time.Sleep(tick)
		synctest.Wait()
		if got := w.Last().Used; got != want {
			t.Fatalf("a tick after %s the watch sees %d", used, got)
		}
	}
	see("700", 700)
	see("200", 200)
	wantUsage(t, "peak", w.Peak(), Usage{1000, 700, 700, 42})
	wantUsage(t, "next peak", w.Peak(), Usage{1000, 200, 200, 42})
	w.Stop()
	t.Setenv("FAKE_NVML_USED", "2000") // an error
	w.look()
	wantUsage(t, "silent", w.Last(), Usage{1000, 200, 200, 42})
}

// A panic of the watch's goroutine does not end the program: whoever stops the watch gets it.
func TestWatchPassesPanicsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tick = time.Second // of the bubble's clock
		w := newWatch(nil)       // which nobody can look at
		w.start(tick)
		time.Sleep(tick)
		defer func() {
			p, ok := recover().(*safe.Panic)
			if !ok || !strings.Contains(string(p.Stack), "(*Watch).look") {
				t.Errorf("got %v", p)
			}
		}()
		w.Stop()
	})
}
