package ort

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wantError wants an error that mentions the words.
func wantError(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v does not mention %q", err, words)
	}
}

// fakeCUDA is a driver with one GPU of 1 GB and a libcudart whose pool is host memory: what this
// package asks of them can be tested without a GPU.
const fakeCUDA = `
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
static uint64_t used, high;
int cuInit(unsigned f) { return getenv("FAKE_CUDA_ERROR") ? atoi(getenv("FAKE_CUDA_ERROR")) : 0; }
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGetName(char *s, int n, int d) { strncpy(s, "Fake GPU", n); return 0; }
int cuDeviceTotalMem_v2(size_t *b, int d) { *b = 1000000000; return 0; }
int cuDeviceGetUuid_v2(unsigned char *u, int d) { for (int i = 0; i < 16; i++) u[i] = i * 17; return 0; }
int cudaSetDevice(int d) { return d; }
int cudaDeviceGetDefaultMemPool(void **p, int d) { *p = &used; return 0; }
int cudaMallocAsync(void **p, size_t n, void *s) {
  size_t *m = malloc(n + 16);
  *m = n; used += n; high = used > high ? used : high; *p = m + 2; return 0;
}
int cudaFreeAsync(void *p, void *s) { size_t *m = (size_t *)p - 2; used -= *m; free(m); return 0; }
int cudaMemPoolGetAttribute(void *p, int a, void *v) { *(uint64_t *)v = a == 7 ? used : high; return 0; }
int cudaMemPoolSetAttribute(void *p, int a, void *v) { if (a == 8) high = used; return 0; }
int cudaMemPoolTrimTo(void *p, size_t n) { return 0; }
int cudaMemGetInfo(size_t *f, size_t *t) { *t = 1000000000; *f = *t - used; return 0; }
`

var fakeDevice = CUDADevice{"Fake GPU", 1e9, "GPU-00112233-4455-6677-8899-aabbccddeeff"}

// fakeLibraries makes a folder with all the libraries, fakes.
func fakeLibraries(t *testing.T) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("skipped: no C compiler")
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "fake.c")
	if err := os.WriteFile(source, []byte(fakeCUDA), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, l := range cudaLibraries {
		out, err := exec.Command(cc, "-w", "-shared", "-fPIC", "-o", filepath.Join(dir, l.Name),
			source).CombinedOutput()
		if err != nil {
			t.Fatalf("cc: %v\n%s", err, out)
		}
	}
	return dir
}

func TestFindCUDA(t *testing.T) {
	dir := t.TempDir()
	wheel := filepath.Join(dir, "lib", "python3.13", "site-packages", "nvidia", "cu13", "lib")
	for path, content := range map[string]string{filepath.Join(dir, "bin", "python3"): "",
		filepath.Join(wheel, "libcudart.so.13"): "", filepath.Join(dir, "own", "libcudnn.so.9"): ""} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	t.Setenv("LD_LIBRARY_PATH", filepath.Join(dir, "own"))
	if folders := CUDAFolders(); folders[0] != filepath.Join(dir, "own") ||
		!slices.Contains(folders, wheel) {
		t.Errorf("CUDA is looked for in %v", folders)
	}
	t.Setenv(CUDAPathVariable, wheel+":"+filepath.Join(dir, "own"))
	found := map[string]string{}
	for _, l := range FindCUDA(CUDAFolders()) {
		found[l.Name] = l.Path
	}
	if found["libcudart.so.13"] != filepath.Join(wheel, "libcudart.so.13") ||
		found["libcudnn.so.9"] != filepath.Join(dir, "own", "libcudnn.so.9") ||
		found["libcublas.so.13"] != "" || found[cudaDriver] != "" || len(found) != 5 {
		t.Errorf("found %v", found)
	}
}

// What is missing is said in the order in which it is to be put right.
func TestFindDevices(t *testing.T) {
	dir := fakeLibraries(t)
	cache := t.TempDir()
	t.Setenv("ZOS_CACHE", cache)
	t.Setenv(PathVariable, "")
	wantError(t, FindDevices([]string{dir}).Err, "make setup-cuda")
	build := filepath.Join(cache, "onnxruntime", Version, CUDAPlatform)
	if err := os.MkdirAll(build, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{LibraryName(), "libonnxruntime_providers_cuda.so"} {
		if err := os.WriteFile(filepath.Join(build, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := FindDevices([]string{dir})
	if s.Err != nil || len(s.Devices) != 1 || s.Devices[0] != (fakeDevice) {
		t.Errorf("found %v, error %v", s.Devices, s.Err)
	}
	wantError(t, OpenCUDA(s, CUDA{Device: 1}), "there is no GPU 1, the driver knows 1")
	if err := os.Remove(filepath.Join(dir, "libcudnn.so.9")); err != nil {
		t.Fatal(err)
	}
	wantError(t, FindDevices([]string{dir}).Err, "libcudnn.so.9 is missing: pip install")
	wantError(t, FindDevices(nil).Err, "libcuda.so.1 is missing: the NVIDIA driver")
	if err := os.WriteFile(filepath.Join(dir, "libcudnn.so.9"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wantError(t, OpenCUDA(FindDevices([]string{dir}), CUDA{}), "libcudnn.so.9")
}

// The pool counts what is handed out, remembers the peak and keeps to its limit.
func TestPool(t *testing.T) {
	handle, err := loadCUDA(filepath.Join(fakeLibraries(t), "libcudart.so.13"))
	if err != nil {
		t.Fatal(err)
	}
	if err := openPool(handle, CUDA{Limit: 1000}); err != nil {
		t.Fatal(err)
	}
	a, b := poolAlloc(600), poolAlloc(300)
	if a == nil || b == nil || poolAlloc(200) != nil {
		t.Error("the pool does not hand out 600 and 300 of 1000 bytes, or 200 more")
	}
	poolFree(a)
	s, err := Pool()
	want := PoolStats{InUse: 300, Peak: 900, Reserved: 900, Held: 900, Refused: 200, Available: 1e9 - 300}
	if err != nil || s != want {
		t.Errorf("the pool counts %+v, %v, want %+v", s, err, want)
	}
	if err := ResetPool(); err != nil {
		t.Fatal(err)
	}
	poolFree(b)
	if s, _ = Pool(); s.Peak != 300 || s.InUse != 0 {
		t.Errorf("after a reset the pool counts %+v", s)
	}
	settings := CUDA{Device: 2, TF32: true, Limit: 7}.settings()
	if settings["device_id"] != "2" || settings["use_tf32"] != "1" || settings["gpu_mem_limit"] != "7" ||
		strings.Trim(settings["gpu_external_alloc"], "0123456789") != "" {
		t.Errorf("provider options are %v", settings)
	}
}
